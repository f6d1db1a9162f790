package org.tflq.bench.engine;

import org.tensorflow.lite.Delegate;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;
import org.tensorflow.lite.nnapi.NnApiDelegate;
import org.tflq.bench.logic.Backend;
import org.tflq.bench.logic.Delegation;
import org.tflq.bench.logic.Engine;
import org.tflq.bench.logic.Failure;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A model in TensorFlow Lite's interpreter. */
final class TfliteSession implements Engine.Session {
    private final Interpreter interpreter;
    private final Delegate delegate;
    private final Backend backend;
    private final LogReader log;
    private final long start;
    private final Map<Integer, Object> outputs = new HashMap<>();
    private Delegation delegation;
    private boolean logRead;

    TfliteSession(
            Interpreter interpreter,
            Delegate delegate,
            Backend backend,
            LogReader log,
            long start) {
        this.interpreter = interpreter;
        this.delegate = delegate;
        this.backend = backend;
        this.log = log;
        this.start = start;
    }

    /** Closes itself and fails when it is not what was asked for. */
    void check() throws Failure {
        boolean good = false;
        try {
            Failure failure = failure();
            if (failure != null) {
                throw failure;
            }
            good = true;
        } finally {
            if (!good) {
                close();
            }
        }
    }

    private Failure failure() {
        for (Engine.TensorInfo info : inputsAndOutputs()) {
            if (info.elementBytes < 1 || info.bytes < 1) {
                return new Failure(
                        Failure.BAD_MODEL, "a tensor of " + info.type + " has no size of its own.");
            }
        }
        if (backend == Backend.NNAPI) {
            int code = ((NnApiDelegate) delegate).getNnapiErrno();
            if (code != 0) {
                return new Failure(
                        Failure.BACKEND_REFUSED,
                        "NNAPI failed with its error " + code + ", and the CPU took over.");
            }
        }
        return null;
    }

    private List<Engine.TensorInfo> inputsAndOutputs() {
        List<Engine.TensorInfo> infos = inputs();
        infos.addAll(outputs());
        return infos;
    }

    @Override
    public List<Engine.TensorInfo> inputs() {
        List<Engine.TensorInfo> infos = new ArrayList<>();
        for (int i = 0; i < interpreter.getInputTensorCount(); i++) {
            infos.add(info(interpreter.getInputTensor(i)));
        }
        return infos;
    }

    @Override
    public List<Engine.TensorInfo> outputs() {
        List<Engine.TensorInfo> infos = new ArrayList<>();
        for (int i = 0; i < interpreter.getOutputTensorCount(); i++) {
            infos.add(info(interpreter.getOutputTensor(i)));
        }
        return infos;
    }

    private static Engine.TensorInfo info(Tensor tensor) {
        return new Engine.TensorInfo(
                tensor.dataType().name(),
                tensor.shape(),
                tensor.dataType().byteSize(),
                tensor.numBytes(),
                tensor.quantizationParams().getScale(),
                tensor.quantizationParams().getZeroPoint());
    }

    @Override
    public void run(ByteBuffer[] inputs, ByteBuffer[] outputs) throws Failure {
        for (int i = 0; i < outputs.length; i++) {
            this.outputs.put(i, outputs[i]);
        }
        try {
            interpreter.runForMultipleInputsOutputs(inputs, this.outputs);
        } catch (IllegalArgumentException | IllegalStateException error) {
            throw new Failure(Failure.FAILED, "an inference failed: " + error.getMessage(), error);
        }
    }

    @Override
    public String delegate() {
        if (delegation() != null) {
            return delegation().delegate;
        }
        return backend == Backend.REFERENCE ? null : backend.key;
    }

    @Override
    public Integer ops() {
        return delegation() == null ? null : (Integer) delegation().ops;
    }

    @Override
    public Integer delegatedOps() {
        return delegation() == null ? null : (Integer) delegation().delegatedOps;
    }

    private Delegation delegation() {
        if (!logRead && backend != Backend.REFERENCE) {
            delegation = Delegation.parse(log.since(start), backend);
        }
        logRead = true;
        return delegation;
    }

    @Override
    public void close() {
        interpreter.close();
        Tflite.close(delegate);
    }
}
