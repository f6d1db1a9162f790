package org.tflq.bench.logic;

import java.io.File;
import java.nio.ByteBuffer;
import java.util.List;

/** What runs models. Everything else is independent of the runtime, and tested without it. */
public interface Engine {
    /** The runtime's name and version; a failure {@code no_runtime} where there is none. */
    String runtime() throws Failure;

    /** A model ready to run; close it. Sessions stay on the thread that opened them. */
    Session open(File model, Job.Run run) throws Failure;

    /** A loaded model. */
    interface Session extends AutoCloseable {
        List<TensorInfo> inputs();

        List<TensorInfo> outputs();

        /** One inference, from direct buffers to direct buffers in the order of the model. */
        void run(ByteBuffer[] inputs, ByteBuffer[] outputs) throws Failure;

        /** How the delegate calls itself, or null when there is none. */
        String delegate();

        /** Ops of the model, or null where the runtime does not tell. */
        Integer ops();

        /** Ops that the delegate took, or null where the runtime does not tell. */
        Integer delegatedOps();

        @Override
        void close();
    }

    /** An input or output of a model. */
    final class TensorInfo {
        /** The type in TFLite's Java names: FLOAT32, INT8, UINT8, … */
        public final String type;

        public final int[] shape;
        public final int elementBytes;
        public final int bytes;

        /** Scale of the codes, 0 where the tensor is not quantized. */
        public final float scale;

        public final int zeroPoint;

        public TensorInfo(
                String type, int[] shape, int elementBytes, int bytes, float scale, int zeroPoint) {
            this.type = type;
            this.shape = shape;
            this.elementBytes = elementBytes;
            this.bytes = bytes;
            this.scale = scale;
            this.zeroPoint = zeroPoint;
        }
    }
}
