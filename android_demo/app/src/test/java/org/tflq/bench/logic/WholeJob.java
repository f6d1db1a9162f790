package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;

import org.junit.Before;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A whole job, from the files that the host pushes to the result that it pulls. */
abstract class WholeJob {
    static final String ID = JobReaderTest.ID;

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    final FakePhone phone = new FakePhone();
    final FakeEngine engine = new FakeEngine(phone);
    final Map<String, Object> job = new LinkedHashMap<>();
    final Map<String, Object> files = new LinkedHashMap<>();
    final Map<String, Object> model = new LinkedHashMap<>();
    File folder;

    @Before
    public void setUp() throws Exception {
        folder = temporary.newFolder();
        String file = push("a model".getBytes(StandardCharsets.UTF_8));
        String inputs = push(new byte[] {1, 2, 3, 4});
        String expected = push(new byte[] {2, 3, 4, 9});
        put(model, "name", "tiny", "file", file, "samples", 2);
        put(model, "inputs", Arrays.asList(inputs), "expected", Arrays.asList(expected));
        put(job, "schema", "tflq-bench-job/1", "id", ID, "files", files);
        put(job, "models", Arrays.asList(model));
        put(job, "runs", Arrays.asList(run("xnnpack", 4), run("reference", 1)));
        put(job, "rounds", 3, "warm_up_seconds", 0.5, "seconds", 10.0, "min_inferences", 30);
        put(job, "cool_down_seconds", 2.0, "energy", energy());
    }

    static void put(Map<String, Object> map, Object... entries) {
        for (int i = 0; i < entries.length; i += 2) {
            map.put((String) entries[i], entries[i + 1]);
        }
    }

    static Map<String, Object> run(String backend, int threads) {
        Map<String, Object> run = new LinkedHashMap<>();
        put(run, "model", 0, "backend", backend, "threads", threads, "accelerator", null);
        return run;
    }

    static Map<String, Object> energy() {
        Map<String, Object> energy = new LinkedHashMap<>();
        put(energy, "idle_seconds", 30.0, "frame_rate", 30.0);
        return energy;
    }

    String push(byte[] content) throws Exception {
        StringBuilder name = new StringBuilder();
        for (byte value : MessageDigest.getInstance("SHA-256").digest(content)) {
            name.append(String.format("%02x", value));
        }
        WholeFile.write(new File(folder, name.toString()), content);
        Map<String, Object> size = new LinkedHashMap<>();
        put(size, "bytes", content.length);
        files.put(name.toString(), size);
        return name.toString();
    }

    /** The result as the host reads it. */
    Map<?, ?> result() throws IOException, JsonException {
        byte[] json = JsonWriter.write(job).getBytes(StandardCharsets.UTF_8);
        WholeFile.write(new File(folder, ID + ".job.json"), json);
        JobRunner runner = new JobRunner(engine, phone, "1.0");
        Map<String, Object> result = runner.run(ID, new JobFiles(folder));
        runner.end(result);
        assertFalse(phone.sampling);
        assertEquals(0, engine.open);
        assertNotNull(ResultText.of(result));
        return (Map<?, ?>) JsonReader.parse(JsonWriter.write(result));
    }

    static Map<?, ?> measurement(Map<?, ?> result, int run) {
        return (Map<?, ?>) ((List<?>) result.get("measurements")).get(run);
    }

    static String code(Object error) {
        return (String) ((Map<?, ?>) error).get("code");
    }

    List<String> states() throws JsonException {
        List<String> states = new ArrayList<>();
        for (String line : phone.lines) {
            Map<?, ?> members = (Map<?, ?>) JsonReader.parse(line);
            assertEquals(ID, members.get("job"));
            states.add((String) members.get("state"));
        }
        return states;
    }

    static List<Object> keys(Map<?, ?> map) {
        return new ArrayList<>(map.keySet());
    }
}
