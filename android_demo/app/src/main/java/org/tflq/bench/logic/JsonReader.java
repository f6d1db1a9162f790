package org.tflq.bench.logic;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON (RFC 8259) strictly: {@code Map}, {@code List}, {@code String}, {@code Long}, {@code
 * Double}, {@code Boolean} or null.
 *
 * <p>Refused: a key twice in one object, more than {@link #MAX_DEPTH} levels, numbers that are not
 * finite, lone surrogates, control characters in strings, anything after the value. Jobs come from
 * outside the app, so a parser that guesses would measure something else than was asked for.
 */
public final class JsonReader {
    public static final int MAX_DEPTH = 32;
    private static final int MAX_NUMBER_CHARACTERS = 64;

    private final String text;
    private int at;

    private JsonReader(String text) {
        this.text = text;
    }

    /** The value that UTF-8 bytes hold. */
    public static Object parse(byte[] utf8) throws JsonException {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(utf8);
            return parse(StandardCharsets.UTF_8.newDecoder().decode(bytes).toString());
        } catch (CharacterCodingException error) {
            throw new JsonException("the text is not UTF-8");
        }
    }

    /** The value that a text holds. */
    public static Object parse(String text) throws JsonException {
        JsonReader reader = new JsonReader(text);
        Object value = reader.value(1);
        reader.skipSpace();
        if (reader.at < text.length()) {
            throw reader.wrong("the end");
        }
        return value;
    }

    private Object value(int depth) throws JsonException {
        if (depth > MAX_DEPTH) {
            throw new JsonException("more than " + MAX_DEPTH + " levels at character " + at);
        }
        skipSpace();
        switch (peek()) {
            case '{':
                return object(depth);
            case '[':
                return list(depth);
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object(int depth) throws JsonException {
        Map<String, Object> members = new LinkedHashMap<>();
        at++;
        skipSpace();
        if (take('}')) {
            return members;
        }
        do {
            skipSpace();
            if (peek() != '"') {
                throw wrong("a key in quotes");
            }
            int start = at;
            String key = string();
            if (members.containsKey(key)) {
                throw new JsonException("key '" + key + "' comes twice, at character " + start);
            }
            skipSpace();
            expect(':');
            members.put(key, value(depth + 1));
            skipSpace();
        } while (take(','));
        expect('}');
        return members;
    }

    private List<Object> list(int depth) throws JsonException {
        List<Object> items = new ArrayList<>();
        at++;
        skipSpace();
        if (take(']')) {
            return items;
        }
        do {
            items.add(value(depth + 1));
            skipSpace();
        } while (take(','));
        expect(']');
        return items;
    }

    private String string() throws JsonException {
        StringBuilder content = new StringBuilder();
        expect('"');
        while (!take('"')) {
            char next = next();
            if (next < ' ') {
                at--;
                throw wrong("no control character in a string");
            }
            content.append(next == '\\' ? escaped() : next);
        }
        checkSurrogates(content);
        return content.toString();
    }

    private char escaped() throws JsonException {
        char letter = next();
        int index = "\"\\/bfnrt".indexOf(letter);
        if (index >= 0) {
            return "\"\\/\b\f\n\r\t".charAt(index);
        }
        if (letter != 'u') {
            at--;
            throw wrong("an escape (\" \\ / b f n r t u)");
        }
        int code = 0;
        for (int digit = 0; digit < 4; digit++) {
            code = 16 * code + hexDigit(next());
        }
        return (char) code;
    }

    /** Character.digit would take full-width and other Unicode digits too. */
    private int hexDigit(char letter) throws JsonException {
        int digit = letter < 128 ? Character.digit(letter, 16) : -1;
        if (digit < 0) {
            at--;
            throw wrong("four hexadecimal digits after \\u");
        }
        return digit;
    }

    private void checkSurrogates(CharSequence content) throws JsonException {
        for (int i = 0; i < content.length(); i++) {
            char letter = content.charAt(i);
            boolean pair =
                    Character.isHighSurrogate(letter)
                            && i + 1 < content.length()
                            && Character.isLowSurrogate(content.charAt(i + 1));
            if (pair) {
                i++;
            } else if (Character.isSurrogate(letter)) {
                throw new JsonException("half a surrogate pair in the string before " + at);
            }
        }
    }

    private Object number() throws JsonException {
        int start = at;
        take('-');
        if (!take('0')) {
            digits("a value");
        }
        boolean whole = true;
        if (take('.')) {
            whole = false;
            digits("a digit after the point");
        }
        if (take('e') || take('E')) {
            whole = false;
            if (!take('+')) {
                take('-');
            }
            digits("a digit of the exponent");
        }
        if (at - start > MAX_NUMBER_CHARACTERS) {
            throw new JsonException("a number of " + (at - start) + " characters at " + start);
        }
        return number(text.substring(start, at), whole);
    }

    private static Object number(String digits, boolean whole) throws JsonException {
        if (whole && !digits.equals("-0")) {
            try {
                return Long.valueOf(digits);
            } catch (NumberFormatException beyondLong) {
                return Double.valueOf(digits);
            }
        }
        Double value = Double.valueOf(digits);
        if (value.isInfinite()) {
            throw new JsonException("number " + digits + " is not finite");
        }
        return value;
    }

    private void digits(String expected) throws JsonException {
        int start = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        if (at == start) {
            throw wrong(expected);
        }
    }

    private Object word(String word, Object value) throws JsonException {
        if (!text.startsWith(word, at)) {
            throw wrong("a value");
        }
        at += word.length();
        return value;
    }

    private void skipSpace() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char peek() throws JsonException {
        if (at >= text.length()) {
            throw new JsonException("the text ends at character " + at + ", within a value");
        }
        return text.charAt(at);
    }

    private char next() throws JsonException {
        char letter = peek();
        at++;
        return letter;
    }

    private boolean take(char letter) {
        boolean there = at < text.length() && text.charAt(at) == letter;
        at += there ? 1 : 0;
        return there;
    }

    private void expect(char letter) throws JsonException {
        if (peek() != letter) {
            throw wrong("'" + letter + "'");
        }
        at++;
    }

    private JsonException wrong(String expected) {
        String found = at < text.length() ? "'" + text.charAt(at) + "'" : "the end";
        return new JsonException(
                "expected " + expected + " at character " + at + ", found " + found);
    }
}
