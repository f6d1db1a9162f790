package org.tflq.bench.engine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import org.junit.Test;
import org.tflq.bench.logic.Backend;
import org.tflq.bench.logic.Failure;
import org.tflq.bench.logic.Job;

import java.io.File;
import java.util.Collections;

/**
 * On a JVM there is no runtime, as in the APK that is built without Google's SDK: either its
 * classes are missing or, with Gradle, its native library.
 */
public final class TfliteEngineTest {
    private final TfliteEngine engine = new TfliteEngine(34, since -> Collections.emptyList());

    private interface Step {
        void run() throws Failure;
    }

    private static void saysNoRuntime(Step step) {
        try {
            step.run();
            fail();
        } catch (Failure failure) {
            assertEquals(Failure.NO_RUNTIME, failure.code());
            assertTrue(failure.getMessage(), failure.getMessage().contains("build it with Gradle"));
        }
    }

    @Test
    public void aMissingRuntimeIsSaid() {
        saysNoRuntime(engine::runtime);
    }

    @Test
    public void aMissingRuntimeIsSaidByEveryBackend() {
        for (Backend backend : Backend.values()) {
            saysNoRuntime(() -> engine.open(new File("m"), new Job.Run(0, backend, 1, null)));
        }
    }
}
