package org.tflq.bench.logic;

import java.nio.ByteBuffer;
import java.util.List;

/** One picture, two classifiers: so that a person sees whether int8 and float agree. */
public final class Comparison {
    private static final int SHOWN = 3;

    /** Gives the pixels of the picture at a size, row by row, each 0xAARRGGBB. */
    public interface Pixels {
        int[] scaled(int width, int height);
    }

    private Comparison() {}

    /**
     * What both models see.
     *
     * @param range what the models take black and white for, or null to read it from the input
     *     scale of whichever model is quantized
     */
    public static String of(
            List<String> names,
            List<Engine.Session> sessions,
            Pixels pixels,
            Picture.Range range,
            List<String> labels)
            throws Failure {
        Picture.Range used = range == null ? rangeOf(sessions) : range;
        StringBuilder text = new StringBuilder();
        int[] best = new int[sessions.size()];
        for (int i = 0; i < sessions.size(); i++) {
            double[] values = classify(names.get(i), sessions.get(i), pixels, used);
            best[i] = Classes.best(values, 1).get(0);
            text.append(names.get(i)).append('\n').append(Classes.text(values, labels, SHOWN));
        }
        boolean same = best[0] == best[best.length - 1];
        return text + (same ? "They agree." : "They disagree.") + "\n";
    }

    private static Picture.Range rangeOf(List<Engine.Session> sessions) throws Failure {
        for (Engine.Session session : sessions) {
            Picture.Range range = Picture.rangeOf(session.inputs().get(0));
            if (range != null) {
                return range;
            }
        }
        throw new Failure(
                Failure.BAD_INPUT,
                "neither model has a quantized input that tells its range; choose the range.");
    }

    private static double[] classify(
            String name, Engine.Session session, Pixels pixels, Picture.Range range)
            throws Failure {
        Engine.TensorInfo input = session.inputs().get(0);
        Engine.TensorInfo output = session.outputs().get(0);
        String refusal = Picture.refusal(input);
        if (refusal != null) {
            throw new Failure(Failure.BAD_INPUT, name + ": " + refusal + ".");
        }
        if (!Classes.isReadable(output)) {
            throw new Failure(Failure.BAD_MODEL, name + " has an output of " + output.type + ".");
        }
        ByteBuffer[] inputs = Tensors.zeros(session.inputs()).sample(0);
        ByteBuffer[] outputs = Tensors.zeros(session.outputs()).sample(0);
        Picture.write(pixels.scaled(input.shape[2], input.shape[1]), range, input, inputs[0]);
        session.run(inputs, outputs);
        return Classes.values(outputs[0], output);
    }
}
