package org.tflq.bench.logic;

import java.util.List;
import java.util.Map;

/** Writes what {@link JsonReader} reads, in ASCII, on one line, the same in every locale. */
public final class JsonWriter {
    private JsonWriter() {}

    /**
     * A value as JSON.
     *
     * @throws IllegalArgumentException a number is not finite, or a type has no JSON
     */
    public static String write(Object value) {
        StringBuilder out = new StringBuilder();
        append(out, value);
        return out.toString();
    }

    private static void append(StringBuilder out, Object value) {
        if (value == null || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof String) {
            string(out, (String) value);
        } else if (value instanceof Integer || value instanceof Long) {
            out.append(((Number) value).longValue());
        } else if (value instanceof Double) {
            number(out, (Double) value);
        } else if (value instanceof Map) {
            object(out, (Map<?, ?>) value);
        } else if (value instanceof List) {
            list(out, (List<?>) value);
        } else {
            throw new IllegalArgumentException("no JSON for a " + value.getClass().getName());
        }
    }

    /** Double.toString knows no locale, and its 1.0E10 is JSON. */
    private static void number(StringBuilder out, double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            throw new IllegalArgumentException("JSON has no " + value);
        }
        out.append(value);
    }

    private static void object(StringBuilder out, Map<?, ?> members) {
        String separator = "";
        out.append('{');
        for (Map.Entry<?, ?> member : members.entrySet()) {
            out.append(separator);
            string(out, (String) member.getKey());
            out.append(':');
            append(out, member.getValue());
            separator = ",";
        }
        out.append('}');
    }

    private static void list(StringBuilder out, List<?> items) {
        String separator = "";
        out.append('[');
        for (Object item : items) {
            out.append(separator);
            append(out, item);
            separator = ",";
        }
        out.append(']');
    }

    private static void string(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char letter = text.charAt(i);
            if (letter == '"' || letter == '\\') {
                out.append('\\').append(letter);
            } else if (letter >= ' ' && letter < 127) {
                out.append(letter);
            } else {
                escape(out, text, i);
            }
        }
        out.append('"');
    }

    private static void escape(StringBuilder out, String text, int i) {
        char letter = text.charAt(i);
        char written = isHalf(text, i) ? '\uFFFD' : letter;
        String hex = Integer.toHexString(written);
        out.append("\\u").append("0000", 0, 4 - hex.length()).append(hex);
    }

    /** A device's property may hold anything; a reader refuses half a pair. */
    private static boolean isHalf(String text, int i) {
        char letter = text.charAt(i);
        if (Character.isHighSurrogate(letter)) {
            return i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1));
        }
        return Character.isLowSurrogate(letter)
                && (i == 0 || !Character.isHighSurrogate(text.charAt(i - 1)));
    }
}
