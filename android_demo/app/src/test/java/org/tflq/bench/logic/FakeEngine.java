package org.tflq.bench.logic;

import java.io.File;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A model of two bytes that adds one to each, in 10 ms on four threads, 20 ms on one. */
final class FakeEngine implements Engine {
    final List<String> opened = new ArrayList<>();
    int open;
    Failure noRuntime;

    /** Backends that fail, with what they throw. */
    Throwable nnapi;

    /** Ops that an accelerator takes. */
    int taken = 1;

    /** Milliseconds more with every session that is opened. */
    double slower;

    private final FakePhone phone;

    FakeEngine(FakePhone phone) {
        this.phone = phone;
    }

    @Override
    public String runtime() throws Failure {
        if (noRuntime != null) {
            throw noRuntime;
        }
        return "Fake 1.0";
    }

    @Override
    public Session open(File model, Job.Run run) throws Failure {
        if (run.backend == Backend.NNAPI && nnapi instanceof Failure) {
            throw (Failure) nnapi;
        }
        if (run.backend == Backend.NNAPI && nnapi != null) {
            throw (Error) nnapi;
        }
        phone.pass(0.05, FakePhone.ACTIVE);
        opened.add(run.backend.key);
        open++;
        return new Fake(run, (run.threads == 4 ? 0.01 : 0.02) + slower / 1e3 * opened.size());
    }

    private final class Fake implements Session {
        private final Job.Run run;
        private final double seconds;
        private boolean first = true;

        Fake(Job.Run run, double seconds) {
            this.run = run;
            this.seconds = seconds;
        }

        @Override
        public List<TensorInfo> inputs() {
            return Collections.singletonList(
                    new TensorInfo("INT8", new int[] {1, 2}, 1, 2, 0.5f, 0));
        }

        @Override
        public List<TensorInfo> outputs() {
            return inputs();
        }

        @Override
        public void run(ByteBuffer[] inputs, ByteBuffer[] outputs) {
            phone.pass(first ? 0.03 : seconds, FakePhone.ACTIVE);
            first = false;
            while (inputs[0].hasRemaining()) {
                outputs[0].put((byte) (inputs[0].get() + 1));
            }
        }

        @Override
        public String delegate() {
            return run.backend == Backend.REFERENCE ? null : "Fake delegate";
        }

        @Override
        public Integer ops() {
            return run.backend == Backend.REFERENCE ? null : 2;
        }

        @Override
        public Integer delegatedOps() {
            return run.backend == Backend.REFERENCE ? null : (Integer) taken;
        }

        @Override
        public void close() {
            open--;
        }
    }
}
