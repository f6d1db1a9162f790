package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The members of a JSON object, each read with its type and range; errors name the member. */
final class Fields {
    private final Map<?, ?> members;
    private final String path;

    private Fields(Map<?, ?> members, String path) {
        this.members = members;
        this.path = path;
    }

    /** A value as an object; {@code path} is its name in errors, empty for the whole. */
    static Fields of(Object value, String path) throws Failure {
        if (!(value instanceof Map)) {
            String name = path.isEmpty() ? "the job" : path;
            throw bad(name, value, "an object");
        }
        return new Fields((Map<?, ?>) value, path);
    }

    static Failure bad(String name, Object value, String expected) {
        String shown =
                value instanceof Map || value instanceof List ? "a list or object" : show(value);
        return new Failure(Failure.BAD_JOB, name + " is " + shown + "; expected " + expected + ".");
    }

    private static String show(Object value) {
        String text = value instanceof String ? "'" + value + "'" : String.valueOf(value);
        return text.length() > 80 ? text.substring(0, 80) + "…" : text;
    }

    String name(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    Object get(String key) throws Failure {
        if (!members.containsKey(key)) {
            throw new Failure(Failure.BAD_JOB, name(key) + " is missing.");
        }
        return members.get(key);
    }

    Iterable<String> keys() {
        List<String> keys = new ArrayList<>();
        for (Object key : members.keySet()) {
            keys.add((String) key);
        }
        return keys;
    }

    Fields object(String key) throws Failure {
        return of(get(key), name(key));
    }

    String text(String key, int longest) throws Failure {
        Object value = get(key);
        if (!(value instanceof String) || ((String) value).length() > longest) {
            throw bad(name(key), value, "a text of at most " + longest + " characters");
        }
        return (String) value;
    }

    String textOrNull(String key, int longest) throws Failure {
        return get(key) == null ? null : text(key, longest);
    }

    long integer(String key, long least, long most) throws Failure {
        Object value = get(key);
        if (!(value instanceof Long) || (Long) value < least || (Long) value > most) {
            throw bad(name(key), value, "an integer from " + least + " to " + most);
        }
        return (Long) value;
    }

    double number(String key, double least, double most) throws Failure {
        Object value = get(key);
        double number = value instanceof Number ? ((Number) value).doubleValue() : Double.NaN;
        if (!(number >= least && number <= most)) {
            throw bad(name(key), value, "a number from " + least + " to " + most);
        }
        return number;
    }

    List<?> list(String key, int least, int most) throws Failure {
        Object value = get(key);
        int size = value instanceof List ? ((List<?>) value).size() : -1;
        if (size < least || size > most) {
            String shown = size < 0 ? "" : ", not of " + size;
            throw bad(name(key), value, "a list of " + least + " to " + most + " items" + shown);
        }
        return (List<?>) value;
    }
}
