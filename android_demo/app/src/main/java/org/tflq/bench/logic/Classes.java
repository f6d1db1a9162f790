package org.tflq.bench.logic;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The classes that a classifier's output names, best first. */
public final class Classes {
    private Classes() {}

    /** Whether {@link #values} reads outputs of that type. */
    public static boolean isReadable(Engine.TensorInfo info) {
        return info.type.equals("FLOAT32") || info.type.equals("INT8") || info.type.equals("UINT8");
    }

    /** An output's values: codes times scale where it is quantized. */
    public static double[] values(ByteBuffer output, Engine.TensorInfo info) {
        double[] values = new double[info.bytes / info.elementBytes];
        double scale = info.scale == 0 ? 1 : info.scale;
        for (int i = 0; i < values.length; i++) {
            switch (info.type) {
                case "FLOAT32":
                    values[i] = output.getFloat(4 * i);
                    break;
                case "INT8":
                    values[i] = (output.get(i) - info.zeroPoint) * scale;
                    break;
                case "UINT8":
                    values[i] = ((output.get(i) & 255) - info.zeroPoint) * scale;
                    break;
                default:
                    throw new IllegalArgumentException("an output of " + info.type);
            }
        }
        return values;
    }

    /** Indices of the largest values; of equal ones the first. */
    public static List<Integer> best(double[] values, int count) {
        List<Integer> indices = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            indices.add(i);
        }
        indices.sort((a, b) -> Double.compare(values[b], values[a]));
        return indices.subList(0, Math.min(count, indices.size()));
    }

    /** A line a class, with its label where there are as many labels as classes. */
    public static String text(double[] values, List<String> labels, int count) {
        StringBuilder text = new StringBuilder();
        for (int index : best(values, count)) {
            String name = labels.size() == values.length ? labels.get(index) : "class " + index;
            text.append(String.format(Locale.ROOT, "%8.3f  %s%n", values[index], name));
        }
        return text.toString();
    }
}
