package org.tflq.bench.logic;

import java.util.List;
import java.util.Map;

/** What a job asks of the phone; the tests have one whose clock they move. */
public interface Phone {
    long nanos();

    /** Waits; ends early when the job is cancelled. */
    void sleep(double seconds);

    boolean cancelled();

    /** Takes a line of {@link Progress}. */
    void progress(String line);

    /** PowerManager's status, or null before Android 10. */
    Integer thermalStatus();

    /** The {@code device} of a result. */
    Map<String, Object> device();

    /** The {@code state} of a result. */
    Map<String, Object> state();

    /** Starts to watch the battery, until {@link #stopSampling}. */
    void startSampling();

    /** Stops watching, and returns what was seen since the start. */
    List<PowerSample> stopSampling();

    /** Forgets earlier peaks of memory, where the kernel lets an app do so. */
    void resetPeakMemory();

    /** Most resident memory of the process since the reset, in bytes. */
    long peakMemory();
}
