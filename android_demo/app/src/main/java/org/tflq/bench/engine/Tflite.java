package org.tflq.bench.engine;

import org.tensorflow.lite.Delegate;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.TensorFlowLite;
import org.tensorflow.lite.gpu.GpuDelegate;
import org.tensorflow.lite.nnapi.NnApiDelegate;
import org.tflq.bench.logic.Backend;
import org.tflq.bench.logic.Engine;
import org.tflq.bench.logic.Failure;
import org.tflq.bench.logic.Job;

import java.io.File;

/** TensorFlow Lite itself. Only {@link TfliteEngine} may touch this class, which may not link. */
final class Tflite {
    private static final int FIRST_SDK_WITH_NNAPI = 27;

    private final int sdk;
    private final LogReader log;

    Tflite(int sdk, LogReader log) {
        this.sdk = sdk;
        this.log = log;
    }

    static String version() {
        return TensorFlowLite.runtimeVersion();
    }

    Engine.Session open(File model, Job.Run run) throws Failure {
        long start = System.currentTimeMillis();
        Delegate delegate = delegate(run);
        try {
            Interpreter interpreter = new Interpreter(model, options(run, delegate));
            TfliteSession session =
                    new TfliteSession(interpreter, delegate, run.backend, log, start);
            session.check();
            return session;
        } catch (RuntimeException error) {
            close(delegate);
            throw refusal(model, run, error);
        }
    }

    private static Interpreter.Options options(Job.Run run, Delegate delegate) {
        Interpreter.Options options = new Interpreter.Options();
        options.setNumThreads(run.threads);
        options.setUseXNNPACK(run.backend == Backend.XNNPACK);
        if (delegate != null) {
            options.addDelegate(delegate);
        }
        return options;
    }

    private Delegate delegate(Job.Run run) throws Failure {
        try {
            switch (run.backend) {
                case NNAPI:
                    return nnapi(run.accelerator);
                case GPU:
                    return new GpuDelegate();
                default:
                    return null;
            }
        } catch (LinkageError error) {
            throw new Failure(
                    Failure.BACKEND_REFUSED,
                    "this app has no " + run.backend.key + " delegate (" + error + ").",
                    error);
        } catch (RuntimeException error) {
            throw new Failure(
                    Failure.BACKEND_REFUSED, run.backend.key + ": " + error.getMessage(), error);
        }
    }

    private Delegate nnapi(String accelerator) throws Failure {
        if (sdk < FIRST_SDK_WITH_NNAPI) {
            throw new Failure(
                    Failure.BACKEND_REFUSED,
                    "NNAPI needs Android 8.1 (API 27); this phone has API " + sdk + ".");
        }
        NnApiDelegate.Options options = new NnApiDelegate.Options();
        options.setExecutionPreference(NnApiDelegate.Options.EXECUTION_PREFERENCE_SUSTAINED_SPEED);
        // NNAPI's own CPU code is a slow reference, and would pass for an accelerator.
        options.setUseNnapiCpu(false);
        if (accelerator != null) {
            options.setAcceleratorName(accelerator);
        }
        return new NnApiDelegate(options);
    }

    /** A model that loads without the delegate is a good one that the delegate refused. */
    private static Failure refusal(File model, Job.Run run, RuntimeException error) {
        if (run.backend.threaded) {
            return new Failure(Failure.BAD_MODEL, error.getMessage(), error);
        }
        try {
            new Interpreter(model, new Interpreter.Options()).close();
            String accelerator = run.accelerator == null ? "" : " (" + run.accelerator + ")";
            return new Failure(
                    Failure.BACKEND_REFUSED,
                    run.backend.key + accelerator + " refused the model: " + error.getMessage(),
                    error);
        } catch (RuntimeException bad) {
            return new Failure(Failure.BAD_MODEL, bad.getMessage(), bad);
        }
    }

    static void close(Delegate delegate) {
        if (delegate instanceof AutoCloseable) {
            try {
                ((AutoCloseable) delegate).close();
            } catch (Exception error) {
                throw new IllegalStateException("a delegate cannot be closed", error);
            }
        }
    }
}
