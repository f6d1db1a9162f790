package org.tflq.bench.logic;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** The samples of a model's inputs, or its expected outputs, in memory. */
public final class Tensors {
    private final ByteBuffer[][] samples;

    private Tensors(ByteBuffer[][] samples) {
        this.samples = samples;
    }

    public int count() {
        return samples.length;
    }

    /** One buffer a tensor. */
    public ByteBuffer[] sample(int index) {
        return samples[index];
    }

    /** A single sample of zeros. */
    public static Tensors zeros(List<Engine.TensorInfo> infos) {
        ByteBuffer[][] samples = new ByteBuffer[1][infos.size()];
        for (int i = 0; i < infos.size(); i++) {
            samples[0][i] = direct(infos.get(i).bytes);
        }
        return new Tensors(samples);
    }

    /**
     * What the files hold.
     *
     * @param what "inputs" or "expected outputs", for failures
     * @param files one a tensor, each with {@code count} tensors one after another
     */
    public static Tensors read(
            String what, List<File> files, List<Engine.TensorInfo> infos, int count)
            throws Failure {
        if (files.size() != infos.size()) {
            throw new Failure(
                    Failure.BAD_INPUT,
                    files.size() + " files of " + what + "; the model has " + infos.size() + ".");
        }
        ByteBuffer[][] samples = new ByteBuffer[count][infos.size()];
        for (int i = 0; i < infos.size(); i++) {
            long wanted = (long) count * infos.get(i).bytes;
            if (files.get(i).length() != wanted) {
                throw new Failure(
                        Failure.BAD_INPUT,
                        "file "
                                + i
                                + " of "
                                + what
                                + " has "
                                + files.get(i).length()
                                + " bytes; expected "
                                + wanted
                                + ", "
                                + count
                                + " times "
                                + infos.get(i).bytes
                                + ".");
            }
            read(files.get(i), infos.get(i).bytes, samples, i);
        }
        return new Tensors(samples);
    }

    private static void read(File file, int bytes, ByteBuffer[][] samples, int tensor)
            throws Failure {
        try (RandomAccessFile stream = new RandomAccessFile(file, "r")) {
            byte[] block = new byte[bytes];
            for (ByteBuffer[] sample : samples) {
                stream.readFully(block);
                sample[tensor] = direct(bytes);
                sample[tensor].put(block);
                rewind(sample[tensor]);
            }
        } catch (IOException error) {
            throw new Failure(Failure.BAD_INPUT, file + ": " + error.getMessage(), error);
        }
    }

    /**
     * Back to the start. ByteBuffer has had a rewind of its own since Android 14 only; called as a
     * Buffer's, it is the one that every Android has.
     */
    static void rewind(Buffer buffer) {
        buffer.rewind();
    }

    /** A buffer that the runtime can read in place. */
    public static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}
