package org.tflq.bench.engine;

import org.tflq.bench.logic.Engine;
import org.tflq.bench.logic.Failure;
import org.tflq.bench.logic.Job;

import java.io.File;

/**
 * TensorFlow Lite, where it is there. In an APK that carries no runtime its classes are missing,
 * and in one for another processor its native library is: both are a {@link LinkageError}, told as
 * {@code no_runtime}. No type of it is named here, so that this class links in any case.
 */
public final class TfliteEngine implements Engine {
    private final int sdk;
    private final LogReader log;

    /**
     * An engine.
     *
     * @param sdk the device's API level
     */
    public TfliteEngine(int sdk, LogReader log) {
        this.sdk = sdk;
        this.log = log;
    }

    @Override
    public String runtime() throws Failure {
        try {
            return "TensorFlow Lite " + Tflite.version();
        } catch (LinkageError error) {
            throw noRuntime(error);
        }
    }

    @Override
    public Session open(File model, Job.Run run) throws Failure {
        runtime();
        try {
            return new Tflite(sdk, log).open(model, run);
        } catch (LinkageError error) {
            throw noRuntime(error);
        }
    }

    private static Failure noRuntime(LinkageError error) {
        return new Failure(
                Failure.NO_RUNTIME,
                "this app was built without a TensorFlow Lite runtime for this phone; build it with"
                        + " Gradle ("
                        + error
                        + ").",
                error);
    }
}
