package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import org.junit.Test;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

public final class JsonTest {
    private static void refuses(String text, String because) {
        try {
            Object value = JsonReader.parse(text);
            fail(text + " was read as " + value);
        } catch (JsonException error) {
            assertTrue(error.getMessage(), error.getMessage().contains(because));
        }
    }

    private static String repeat(String text, int times) {
        return String.join("", Collections.nCopies(times, text));
    }

    @Test
    public void readsEveryKindOfValue() throws JsonException {
        Map<String, Object> expected = new LinkedHashMap<>();
        expected.put("text", "a\"\\/\b\f\n\r\tA\uD83D\uDE00");
        expected.put("numbers", Arrays.<Object>asList(0L, -1L, 1.5, -2e-3, 1e10, -0.0));
        expected.put("others", Arrays.<Object>asList(true, false, null));
        expected.put(
                "empty", Arrays.<Object>asList(Collections.emptyMap(), Collections.emptyList()));
        String json =
                " {\"text\": \"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00\",\r\n\t"
                        + "\"numbers\":[0,-1,1.5,-2e-3,1E+10,-0],"
                        + "\"others\":[true , false,null], \"empty\": [{ },[ ]]} ";
        assertEquals(expected, JsonReader.parse(json));
    }

    @Test
    public void writesWhatItReads() throws JsonException {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("ключ \u2028 \u007f", "\u0000\u001f\"\\ü\uD83D\uDE00");
        value.put("list", Arrays.<Object>asList(1, 2L, 0.1, 1e300, -1e-300, null, true));
        String json = JsonWriter.write(value);
        assertTrue(json, json.chars().allMatch(letter -> letter >= 32 && letter < 127));
        Map<?, ?> read = (Map<?, ?>) JsonReader.parse(json);
        assertEquals(value.keySet(), read.keySet());
        assertEquals(value.get("ключ \u2028 \u007f"), read.get("ключ \u2028 \u007f"));
        assertEquals(
                Arrays.<Object>asList(1L, 2L, 0.1, 1e300, -1e-300, null, true), read.get("list"));
    }

    @Test
    public void writesTheSameInEveryLocale() {
        Locale before = Locale.getDefault();
        try {
            for (Locale locale : new Locale[] {Locale.GERMANY, new Locale("ar", "EG"), Locale.US}) {
                Locale.setDefault(locale);
                assertEquals(
                        "[1.5,-1000000]", JsonWriter.write(Arrays.<Object>asList(1.5, -1000000)));
            }
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    public void writesHalfASurrogatePairAsTheReplacementCharacter() throws JsonException {
        assertEquals("a\uFFFDb", JsonReader.parse(JsonWriter.write("a\uD800b")));
        assertEquals("\uFFFD", JsonReader.parse(JsonWriter.write("\uDE00")));
    }

    @Test
    public void writesNoNumberThatIsNotFinite() {
        for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            try {
                JsonWriter.write(value);
                fail();
            } catch (IllegalArgumentException error) {
                assertTrue(error.getMessage().contains(String.valueOf(value)));
            }
        }
    }

    @Test(expected = IllegalArgumentException.class)
    public void writesNoUnknownType() {
        JsonWriter.write(new int[] {1});
    }

    @Test
    public void keepsTheLargestLongsAndReadsLargerOnesAsDoubles() throws JsonException {
        assertEquals(Long.MAX_VALUE, JsonReader.parse("9223372036854775807"));
        assertEquals(Long.MIN_VALUE, JsonReader.parse("-9223372036854775808"));
        assertEquals(9223372036854775808.0, JsonReader.parse("9223372036854775808"));
    }

    @Test
    public void refusesNumbersThatAreNotJson() {
        refuses("NaN", "a value");
        refuses("Infinity", "a value");
        refuses("-Infinity", "a value");
        refuses("1e400", "not finite");
        refuses("-1e400", "not finite");
        refuses("01", "the end");
        refuses("+1", "a value");
        refuses(".5", "a value");
        refuses("1.", "after the point");
        refuses("1e", "of the exponent");
        refuses("1e+-1", "of the exponent");
        refuses("0x10", "the end");
        refuses("-", "a value");
        refuses("1" + repeat("0", 100), "101 characters");
        refuses("٣", "a value");
    }

    @Test
    public void refusesDeepNesting() throws JsonException {
        int most = JsonReader.MAX_DEPTH;
        JsonReader.parse(repeat("[", most) + repeat("]", most));
        refuses(repeat("[", most + 1) + repeat("]", most + 1), "levels");
        refuses(repeat("{\"a\":", 100_000), "levels");
    }

    @Test
    public void refusesAKeyThatComesTwice() {
        refuses("{\"a\":1,\"a\":1}", "'a' comes twice");
        refuses("{\"a\":1,\"\\u0061\":2}", "'a' comes twice");
    }

    @Test
    public void refusesBadEscapes() {
        refuses("\"\\x41\"", "an escape");
        refuses("\"\\u00g0\"", "hexadecimal");
        refuses("\"\\u00\"", "hexadecimal");
        refuses("\"\\u\uFF11\uFF11\uFF11\uFF11\"", "hexadecimal");
        refuses("\"\\", "ends");
    }

    @Test
    public void refusesHalfASurrogatePair() {
        refuses("\"\\ud83d\"", "surrogate");
        refuses("\"\\ude00\"", "surrogate");
        refuses("\"\\ud83dx\\ude00\"", "surrogate");
        refuses("\"\uD83D\"", "surrogate");
    }

    @Test
    public void refusesControlCharactersInStrings() {
        refuses("\"a\nb\"", "control");
        refuses("\"\u0000\"", "control");
    }

    @Test
    public void refusesEveryTruncation() throws JsonException {
        String json = "{\"a\":[1,true,\"\\u0041b\"],\"c\":{\"d\":null}}";
        JsonReader.parse(json);
        for (int end = 0; end < json.length(); end++) {
            try {
                JsonReader.parse(json.substring(0, end));
                fail(json.substring(0, end));
            } catch (JsonException error) {
                assertTrue(error.getMessage().length() > 0);
            }
        }
    }

    @Test
    public void refusesWhatIsNotOneValue() {
        refuses("", "ends");
        refuses("1 2", "the end");
        refuses("[1,]", "a value");
        refuses("{\"a\":1,}", "a key");
        refuses("{a:1}", "a key");
        refuses("{'a':1}", "a key");
        refuses("[1 2]", "']'");
        refuses("tru", "a value");
        refuses("\uFEFF1", "a value");
        refuses("// comment\n1", "a value");
    }

    @Test
    public void refusesBytesThatAreNotUtf8() {
        for (byte[] bytes :
                new byte[][] {
                    {'"', (byte) 0xC3, '"'}, {'"', (byte) 0xED, (byte) 0xA0, (byte) 0x80, '"'}
                }) {
            try {
                JsonReader.parse(bytes);
                fail();
            } catch (JsonException error) {
                assertTrue(error.getMessage().contains("UTF-8"));
            }
        }
    }

    @Test
    public void readsBytes() throws JsonException {
        assertEquals("ü", JsonReader.parse("\"ü\"".getBytes(StandardCharsets.UTF_8)));
        assertNull(JsonReader.parse("null".getBytes(StandardCharsets.UTF_8)));
    }

    /** Whatever comes, there is an answer or a JsonException, and nothing else. */
    @Test
    public void survivesRandomTexts() {
        Random random = new Random(0);
        String letters = "{}[]\",:\\u0123456789abcdeftrnl-+.E \n\uD83D\uDE00";
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder();
            for (int length = random.nextInt(20); length > 0; length--) {
                text.append(letters.charAt(random.nextInt(letters.length())));
            }
            try {
                Object value = JsonReader.parse(text.toString());
                assertEquals(value, JsonReader.parse(JsonWriter.write(value)));
            } catch (JsonException refused) {
                assertTrue(refused.getMessage().length() > 0);
            }
        }
    }
}
