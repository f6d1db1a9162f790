package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;

public final class CorrectnessTest {
    private static ByteBuffer bytes(int... values) {
        ByteBuffer buffer = ByteBuffer.allocate(values.length);
        for (int value : values) {
            buffer.put((byte) value);
        }
        return buffer;
    }

    @Test
    public void countsBytesOfInt8() {
        Correctness correctness = new Correctness();
        correctness.add(bytes(1, 2, 3, 4), bytes(1, 2, 3, 5), 1);
        assertEquals(0.75, correctness.share(), 0);
    }

    @Test
    public void countsElementsRatherThanBytes() {
        Correctness correctness = new Correctness();
        correctness.add(bytes(1, 0, 0, 0, 2, 0, 0, 0), bytes(1, 0, 0, 0, 9, 0, 0, 9), 4);
        assertEquals(0.5, correctness.share(), 0);
    }

    @Test
    public void addsUpOverSamples() {
        Correctness correctness = new Correctness();
        correctness.add(bytes(1, 2), bytes(1, 2), 2);
        correctness.add(bytes(1, 2), bytes(2, 1), 2);
        correctness.add(bytes(3, 4), bytes(3, 4), 2);
        assertEquals(2.0 / 3, correctness.share(), 1e-15);
    }

    @Test
    public void nothingComparedIsUnknown() {
        assertNull(new Correctness().share());
    }

    @Test(expected = IllegalArgumentException.class)
    public void refusesOtherSizes() {
        new Correctness().add(bytes(1, 2), bytes(1), 1);
    }

    @Test
    public void progressIsOneShortLine() throws JsonException {
        String message = String.join("", Collections.nCopies(999, "\uD83D\uDE00\n"));
        String line = Progress.line(JobReaderTest.ID, 1, 8, 2, 3, Progress.State.WARM_UP, message);
        assertEquals(-1, line.indexOf('\n'));
        assertTrue(line.length() < 4000);
        String start = "{\"job\":\"" + JobReaderTest.ID + "\",\"run\":1,\"runs\":8,\"round\":2,";
        assertTrue(
                line, line.startsWith(start + "\"rounds\":3,\"state\":\"warm_up\",\"message\":"));
        JsonReader.parse(line);
    }

    @Test
    public void readsWhatADelegateTookFromTheLog() {
        Delegation delegation =
                Delegation.parse(
                        Arrays.asList(
                                "Created TensorFlow Lite XNNPACK delegate for CPU.",
                                "Replacing 60 out of 64 node(s) with delegate"
                                        + " (TfLiteXNNPackDelegate) node, yielding 3 partitions for"
                                        + " subgraph 0.",
                                "Replacing 1 out of 2 node(s) with delegate"
                                        + " (TfLiteXNNPackDelegate) node, yielding 1 partitions for"
                                        + " subgraph 1."),
                        Backend.XNNPACK);
        assertEquals(60, delegation.delegatedOps);
        assertEquals(64, delegation.ops);
        assertEquals("TfLiteXNNPackDelegate", delegation.delegate);
    }

    @Test
    public void anotherDelegatesLineDoesNotCount() {
        String line = "Replacing 1 out of 2 node(s) with delegate (TfLiteGpuDelegateV2) node";
        assertNull(Delegation.parse(Collections.singletonList(line), Backend.NNAPI));
        assertEquals(
                1, Delegation.parse(Collections.singletonList(line), Backend.GPU).delegatedOps);
        assertNull(Delegation.parse(Collections.emptyList(), Backend.GPU));
        String huge = "Replacing 99999999999 out of 2 node(s) with delegate (gpu) node";
        assertNull(Delegation.parse(Collections.singletonList(huge), Backend.GPU));
    }

    @Test
    public void readsTheKernelsFigures() {
        String status = "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t 1024 kB\n";
        assertEquals(2 << 20, ProcStatus.peak(status));
        assertEquals(1 << 20, ProcStatus.resident(status));
        assertEquals(0, ProcStatus.peak(""));
        assertEquals(0, ProcStatus.peak("VmHWM: many kB"));
    }
}
