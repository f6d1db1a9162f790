package org.tflq.bench.logic;

import java.nio.ByteBuffer;

/** Pixels as the codes that a model's input takes. */
public final class Picture {
    /** What a model was trained to see for black and white. */
    public enum Range {
        MINUS_ONE_TO_ONE(-1, 1),
        ZERO_TO_ONE(0, 1),
        ZERO_TO_255(0, 255);

        final double black;
        final double white;

        Range(double black, double white) {
            this.black = black;
            this.white = white;
        }
    }

    private Picture() {}

    /**
     * The range that a quantized input was calibrated on: the one whose ends its codes' ends come
     * nearest to, or null for an input that is not quantized.
     */
    public static Range rangeOf(Engine.TensorInfo input) {
        if (input.scale == 0) {
            return null;
        }
        double low = (lowest(input) - input.zeroPoint) * (double) input.scale;
        double high = (lowest(input) + 255 - input.zeroPoint) * (double) input.scale;
        Range nearest = null;
        double least = Double.POSITIVE_INFINITY;
        for (Range range : Range.values()) {
            double width = range.white - range.black;
            double distance = (Math.abs(low - range.black) + Math.abs(high - range.white)) / width;
            if (distance < least) {
                least = distance;
                nearest = range;
            }
        }
        return nearest;
    }

    /** Why no picture fits a model's input, or null when one does. */
    public static String refusal(Engine.TensorInfo input) {
        boolean image = input.shape.length == 4 && input.shape[0] == 1 && input.shape[3] == 3;
        boolean type = input.type.equals("FLOAT32") || isByte(input);
        return image && type
                ? null
                : "its input isn't one RGB picture of FLOAT32, INT8 or UINT8 but "
                        + input.type
                        + " "
                        + java.util.Arrays.toString(input.shape);
    }

    /** Fills an input with pixels, row by row, each 0xAARRGGBB. */
    public static void write(int[] pixels, Range range, Engine.TensorInfo input, ByteBuffer to) {
        Tensors.rewind(to);
        for (int pixel : pixels) {
            for (int shift = 16; shift >= 0; shift -= 8) {
                double share = ((pixel >> shift) & 255) / 255.0;
                put(range.black + share * (range.white - range.black), input, to);
            }
        }
        Tensors.rewind(to);
    }

    private static void put(double value, Engine.TensorInfo input, ByteBuffer to) {
        if (!isByte(input)) {
            to.putFloat((float) value);
            return;
        }
        // An integer input without a scale takes the pixels themselves.
        double scale = input.scale == 0 ? 1 : input.scale;
        long code = Math.round(value / scale) + input.zeroPoint;
        int lowest = lowest(input);
        to.put((byte) Math.max(lowest, Math.min(lowest + 255, code)));
    }

    private static boolean isByte(Engine.TensorInfo input) {
        return input.type.equals("INT8") || input.type.equals("UINT8");
    }

    private static int lowest(Engine.TensorInfo input) {
        return input.type.equals("INT8") ? -128 : 0;
    }
}
