package org.tflq.bench.logic;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A result as a person reads it on the phone. */
public final class ResultText {
    private ResultText() {}

    public static String of(Map<String, Object> result) {
        StringBuilder text = new StringBuilder();
        if (result.get("error") != null) {
            text.append(error(result.get("error"))).append('\n');
        }
        for (Object measurement : (List<?>) result.get("measurements")) {
            append(text, (Map<?, ?>) measurement);
        }
        List<?> flags = (List<?>) result.get("flags");
        if (!flags.isEmpty()) {
            line(text, "flags", join(flags));
        }
        return text.toString();
    }

    private static String error(Object error) {
        Map<?, ?> members = (Map<?, ?>) error;
        return members.get("code") + ": " + members.get("message");
    }

    private static void append(StringBuilder text, Map<?, ?> measurement) {
        if (measurement.get("error") != null) {
            text.append(error(measurement.get("error"))).append('\n');
            return;
        }
        double[] all = latencies((List<?>) measurement.get("latencies_ms"));
        line(text, "initialisation", milliseconds(measurement.get("initialisation_ms")));
        line(text, "first run", milliseconds(measurement.get("first_ms")));
        for (int percent : new int[] {50, 90, 99}) {
            line(text, "p" + percent, milliseconds(Statistics.percentile(all, percent)));
        }
        String deviation = milliseconds(Statistics.deviation(all));
        line(text, "mean", milliseconds(Statistics.mean(all)) + " ± " + deviation);
        line(text, "inferences", String.valueOf(all.length));
        double bytes = ((Number) measurement.get("peak_memory_bytes")).doubleValue();
        line(text, "peak memory", format("%.1f MB", bytes / 1e6));
        line(text, "delegate", delegate(measurement));
        line(text, "thermal status", known(measurement.get("thermal_status")));
        Object share = measurement.get("identical");
        line(
                text,
                "identical codes",
                share == null ? "unknown" : format("%.2f %%", 100 * (Double) share));
        line(text, "energy", energy((Map<?, ?>) measurement.get("energy")));
    }

    private static String delegate(Map<?, ?> measurement) {
        Object name = measurement.get("delegate");
        if (name == null) {
            return "none";
        }
        Object taken = measurement.get("delegated_ops");
        return taken == null
                ? name + " (the runtime does not tell how many ops)"
                : name + ", " + taken + " of " + measurement.get("ops") + " ops";
    }

    private static String energy(Map<?, ?> energy) {
        if (energy == null) {
            return "not measured";
        }
        Object percent = energy.get("percent_per_hour");
        return format(
                        "%.2f mJ (%.2f to %.2f) an inference",
                        energy.get("mj_per_inference"), energy.get("low"), energy.get("high"))
                + (percent == null ? "" : format(", %.2f %% of the battery an hour", percent));
    }

    private static double[] latencies(List<?> rounds) {
        int count = 0;
        for (Object round : rounds) {
            count += ((List<?>) round).size();
        }
        double[] all = new double[count];
        int i = 0;
        for (Object round : rounds) {
            for (Object value : (List<?>) round) {
                all[i++] = ((Number) value).doubleValue();
            }
        }
        return all;
    }

    private static String known(Object value) {
        return value == null ? "unknown" : join((List<?>) value);
    }

    private static String join(List<?> items) {
        StringBuilder text = new StringBuilder();
        for (Object item : items) {
            text.append(text.length() == 0 ? "" : ", ").append(item);
        }
        return text.toString();
    }

    private static String milliseconds(Object value) {
        return format("%.2f ms", value);
    }

    private static void line(StringBuilder text, String name, String value) {
        text.append(name).append(": ").append(value).append('\n');
    }

    /** The same in every locale, as the JSON beside it is. */
    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
