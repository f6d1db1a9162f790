package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import org.junit.Test;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

public final class PictureTest {
    private static Engine.TensorInfo pixel(String type, double scale, int zeroPoint) {
        int bytes = type.equals("FLOAT32") ? 4 : 1;
        return new Engine.TensorInfo(
                type, new int[] {1, 1, 1, 3}, bytes, 3 * bytes, (float) scale, zeroPoint);
    }

    private static ByteBuffer write(int pixel, Picture.Range range, Engine.TensorInfo info) {
        ByteBuffer buffer = Tensors.direct(info.bytes);
        Picture.write(new int[] {pixel}, range, info, buffer);
        return buffer;
    }

    @Test
    public void floatsAreOfTheRange() {
        Engine.TensorInfo info = pixel("FLOAT32", 0, 0);
        ByteBuffer buffer = write(0xFFFF0033, Picture.Range.MINUS_ONE_TO_ONE, info);
        assertEquals(1, buffer.getFloat(0), 0);
        assertEquals(-1, buffer.getFloat(4), 0);
        assertEquals(-0.6, buffer.getFloat(8), 1e-6);
        assertEquals(51, write(0x33, Picture.Range.ZERO_TO_255, info).getFloat(8), 1e-4);
        assertEquals(0.2, write(0x33, Picture.Range.ZERO_TO_ONE, info).getFloat(8), 1e-7);
    }

    @Test
    public void codesAreRoundedAndKeptWithinTheirType() {
        ByteBuffer int8 =
                write(0xFF0080, Picture.Range.MINUS_ONE_TO_ONE, pixel("INT8", 1 / 128.0, 0));
        assertEquals(127, int8.get(0));
        assertEquals(-128, int8.get(1));
        assertEquals(Math.round((2 * 128 / 255.0 - 1) * 128), int8.get(2));
        ByteBuffer uint8 = write(0xFF0080, Picture.Range.ZERO_TO_ONE, pixel("UINT8", 1 / 255.0, 0));
        assertEquals((byte) 255, uint8.get(0));
        assertEquals(0, uint8.get(1));
        assertEquals((byte) 128, uint8.get(2));
    }

    @Test
    public void anIntegerInputWithoutAScaleTakesThePixels() {
        ByteBuffer buffer = write(0xFF0080, Picture.Range.ZERO_TO_255, pixel("UINT8", 0, 0));
        assertEquals((byte) 128, buffer.get(2));
    }

    @Test
    public void theRangeIsReadFromTheScale() {
        assertEquals(Picture.Range.MINUS_ONE_TO_ONE, Picture.rangeOf(pixel("INT8", 1 / 127.5, -1)));
        assertEquals(Picture.Range.ZERO_TO_ONE, Picture.rangeOf(pixel("INT8", 1 / 255.0, -128)));
        assertEquals(Picture.Range.ZERO_TO_255, Picture.rangeOf(pixel("UINT8", 1, 0)));
        // Calibrated on pictures without black or white.
        assertEquals(Picture.Range.MINUS_ONE_TO_ONE, Picture.rangeOf(pixel("INT8", 0.0074, 0)));
        assertNull(Picture.rangeOf(pixel("FLOAT32", 0, 0)));
    }

    @Test
    public void whatIsNoPictureIsRefused() {
        assertNull(Picture.refusal(pixel("INT8", 1, 0)));
        assertNotNull(Picture.refusal(pixel("INT32", 1, 0)));
        int[][] shapes = {{1, 3}, {2, 8, 8, 3}, {1, 8, 8, 1}};
        for (int[] shape : shapes) {
            assertNotNull(Picture.refusal(new Engine.TensorInfo("INT8", shape, 1, 3, 1, 0)));
        }
    }

    @Test
    public void classesComeBestFirst() {
        double[] values = {0.5, 2, -1, 2};
        assertEquals(Arrays.asList(1, 3, 0), Classes.best(values, 3));
        Locale before = Locale.getDefault();
        Locale.setDefault(Locale.GERMANY);
        try {
            String text = Classes.text(values, Arrays.asList("a", "b", "c", "d"), 2);
            assertEquals(String.format("   2.000  b%n   2.000  d%n"), text);
        } finally {
            Locale.setDefault(before);
        }
        assertTrue(Classes.text(values, Collections.singletonList("a"), 1).contains("class 1"));
    }

    @Test
    public void outputsAreReadInEveryType() {
        ByteBuffer floats = Tensors.direct(8);
        floats.putFloat(0, 1.5f).putFloat(4, -2);
        Engine.TensorInfo info = new Engine.TensorInfo("FLOAT32", new int[] {2}, 4, 8, 0, 0);
        assertEquals(-2, Classes.values(floats, info)[1], 0);
        ByteBuffer codes = ByteBuffer.wrap(new byte[] {(byte) 200});
        assertEquals(
                -27.5,
                Classes.values(codes, new Engine.TensorInfo("INT8", new int[] {1}, 1, 1, 0.5f, -1))[
                        0],
                0);
        assertEquals(
                95,
                Classes.values(
                        codes, new Engine.TensorInfo("UINT8", new int[] {1}, 1, 1, 0.5f, 10))[0],
                0);
    }

    @Test
    public void twoModelsAreCompared() throws Failure {
        List<Engine.Session> sessions =
                Arrays.asList(
                        new FakeSession(pixel("INT8", 1 / 127.5, -1)),
                        new FakeSession(pixel("FLOAT32", 0, 0)));
        List<String> names = Arrays.asList("int8", "float");
        String text =
                Comparison.of(
                        names,
                        sessions,
                        (w, h) -> new int[] {0x00FF00},
                        null,
                        Collections.emptyList());
        assertTrue(text, text.contains("They agree."));
        assertTrue(text, text.startsWith("int8"));
        assertEquals(2, text.split("class 1").length - 1);
    }

    @Test
    public void withoutAQuantizedModelTheRangeMustBeChosen() throws Failure {
        List<Engine.Session> sessions =
                Collections.singletonList(new FakeSession(pixel("FLOAT32", 0, 0)));
        List<String> names = Collections.singletonList("float");
        Comparison.Pixels pixels = (w, h) -> new int[] {0};
        Comparison.of(names, sessions, pixels, Picture.Range.ZERO_TO_ONE, Collections.emptyList());
        try {
            Comparison.of(names, sessions, pixels, null, Collections.emptyList());
            fail();
        } catch (Failure failure) {
            assertTrue(failure.getMessage().contains("choose the range"));
        }
    }

    /** Its output is its input. */
    private static final class FakeSession implements Engine.Session {
        private final Engine.TensorInfo info;

        FakeSession(Engine.TensorInfo info) {
            this.info = info;
        }

        @Override
        public List<Engine.TensorInfo> inputs() {
            return Collections.singletonList(info);
        }

        @Override
        public List<Engine.TensorInfo> outputs() {
            return Collections.singletonList(info);
        }

        @Override
        public void run(ByteBuffer[] inputs, ByteBuffer[] outputs) {
            outputs[0].put(inputs[0]).rewind();
        }

        @Override
        public String delegate() {
            return null;
        }

        @Override
        public Integer ops() {
            return null;
        }

        @Override
        public Integer delegatedOps() {
            return null;
        }

        @Override
        public void close() {}
    }
}
