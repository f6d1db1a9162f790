package org.tensorflow.lite.nnapi;

public class NnApiDelegate implements org.tensorflow.lite.Delegate, AutoCloseable {
    public NnApiDelegate(Options options) {
        throw new AssertionError("stub");
    }

    public int getNnapiErrno() {
        throw new AssertionError("stub");
    }

    public void close() {
        throw new AssertionError("stub");
    }

    public static final class Options {
        public static final int EXECUTION_PREFERENCE_SUSTAINED_SPEED = 2;

        public Options setExecutionPreference(int preference) {
            throw new AssertionError("stub");
        }

        public Options setUseNnapiCpu(boolean used) {
            throw new AssertionError("stub");
        }

        public Options setAcceleratorName(String name) {
            throw new AssertionError("stub");
        }
    }
}
