package org.tflq.bench.phone;

import org.tflq.bench.logic.ProcStatus;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Peak of the process's resident memory since a reset. */
final class Memory {
    private boolean kernelForgets;
    private long sampledPeak;

    /** Asks the kernel to forget the peak; where it may not, samples are what there is. */
    synchronized void reset() {
        try (OutputStream stream = new FileOutputStream("/proc/self/clear_refs")) {
            stream.write("5".getBytes(StandardCharsets.US_ASCII));
            kernelForgets = true;
        } catch (IOException refused) {
            kernelForgets = false;
        }
        sampledPeak = ProcStatus.resident(status());
    }

    synchronized void sample() {
        sampledPeak = Math.max(sampledPeak, ProcStatus.resident(status()));
    }

    synchronized long peak() {
        sample();
        return kernelForgets ? Math.max(sampledPeak, ProcStatus.peak(status())) : sampledPeak;
    }

    private static String status() {
        return TextFile.readOrEmpty("/proc/self/status");
    }
}
