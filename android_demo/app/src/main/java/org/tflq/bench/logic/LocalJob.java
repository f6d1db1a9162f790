package org.tflq.bench.logic;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** The job that the screen of the app makes of what a person picked: one run, zeros as input. */
public final class LocalJob {
    private static final Job.Timing TIMING = new Job.Timing(3, 1, 5, 30, 2);
    private static final Job.EnergyPlan ENERGY = new Job.EnergyPlan(20, 30);

    private LocalJob() {}

    /**
     * A job.
     *
     * @param accelerator what was typed; empty for NNAPI's own choice
     */
    public static Job of(
            String model, Backend backend, int threads, String accelerator, boolean energy) {
        boolean named = backend == Backend.NNAPI && !accelerator.trim().isEmpty();
        Job.Run run =
                new Job.Run(
                        0,
                        backend,
                        backend.threaded ? threads : 1,
                        named ? accelerator.trim() : null);
        List<String> none = Collections.emptyList();
        Map<String, Long> files = Collections.emptyMap();
        return new Job(
                UUID.randomUUID().toString().replace("-", ""),
                files,
                Collections.singletonList(new Job.Model(model, model, 0, none, none)),
                Collections.singletonList(run),
                TIMING,
                energy ? ENERGY : null);
    }
}
