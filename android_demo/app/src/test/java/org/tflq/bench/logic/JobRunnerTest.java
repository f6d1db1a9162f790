package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Whole jobs, from the files that the host pushes to the result that it pulls. */
public final class JobRunnerTest {
    private static final String ID = JobReaderTest.ID;

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    private final FakePhone phone = new FakePhone();
    private final FakeEngine engine = new FakeEngine(phone);
    private final Map<String, Object> job = new LinkedHashMap<>();
    private final Map<String, Object> files = new LinkedHashMap<>();
    private final Map<String, Object> model = new LinkedHashMap<>();
    private File folder;

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

    private static void put(Map<String, Object> map, Object... entries) {
        for (int i = 0; i < entries.length; i += 2) {
            map.put((String) entries[i], entries[i + 1]);
        }
    }

    private static Map<String, Object> run(String backend, int threads) {
        Map<String, Object> run = new LinkedHashMap<>();
        put(run, "model", 0, "backend", backend, "threads", threads, "accelerator", null);
        return run;
    }

    private static Map<String, Object> energy() {
        Map<String, Object> energy = new LinkedHashMap<>();
        put(energy, "idle_seconds", 30.0, "frame_rate", 30.0);
        return energy;
    }

    private String push(byte[] content) throws Exception {
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
    private Map<?, ?> result() throws IOException, JsonException {
        byte[] json = JsonWriter.write(job).getBytes(StandardCharsets.UTF_8);
        WholeFile.write(new File(folder, ID + ".job.json"), json);
        Map<String, Object> result =
                new JobRunner(engine, phone, "1.0").run(ID, new JobFiles(folder));
        assertFalse(phone.sampling);
        assertEquals(0, engine.open);
        assertNotNull(ResultText.of(result));
        return (Map<?, ?>) JsonReader.parse(JsonWriter.write(result));
    }

    private static Map<?, ?> measurement(Map<?, ?> result, int run) {
        return (Map<?, ?>) ((List<?>) result.get("measurements")).get(run);
    }

    private static String code(Object error) {
        return (String) ((Map<?, ?>) error).get("code");
    }

    private List<String> states() throws JsonException {
        List<String> states = new ArrayList<>();
        for (String line : phone.lines) {
            Map<?, ?> members = (Map<?, ?>) JsonReader.parse(line);
            assertEquals(ID, members.get("job"));
            states.add((String) members.get("state"));
        }
        return states;
    }

    private static List<Object> keys(Map<?, ?> map) {
        return new ArrayList<>(map.keySet());
    }

    @Test
    public void aResultHasWhatTheProtocolSays() throws Exception {
        Map<?, ?> result = result();
        assertEquals(
                Arrays.<Object>asList(
                        "schema", "id", "app", "error", "device", "state", "measurements", "flags"),
                keys(result));
        assertEquals("tflq-bench-result/1", result.get("schema"));
        assertEquals(ID, result.get("id"));
        assertNull(result.get("error"));
        assertEquals("{version=1.0, runtime=Fake 1.0}", result.get("app").toString());
        assertEquals(
                Arrays.<Object>asList(
                        "run", "error", "initialisation_ms", "first_ms", "latencies_ms",
                        "peak_memory_bytes", "ops", "delegated_ops", "delegate", "identical",
                        "thermal_status", "energy"),
                keys(measurement(result, 0)));
        assertEquals(
                Arrays.<Object>asList(
                        "mj_per_inference", "low", "high", "active_mw", "idle_mw", "samples",
                        "sample_ms", "percent_per_hour", "flags"),
                keys((Map<?, ?>) measurement(result, 0).get("energy")));
    }

    @Test
    public void figuresAreThoseOfTheClock() throws Exception {
        Map<?, ?> measurement = measurement(result(), 0);
        assertEquals(0L, measurement.get("run"));
        assertEquals(50, (Double) measurement.get("initialisation_ms"), 1e-9);
        assertEquals(30, (Double) measurement.get("first_ms"), 1e-9);
        List<?> rounds = (List<?>) measurement.get("latencies_ms");
        assertEquals(3, rounds.size());
        for (Object round : rounds) {
            assertEquals(1000, ((List<?>) round).size());
            assertEquals(10, (Double) ((List<?>) round).get(999), 1e-9);
        }
        assertEquals(48_000_000L, measurement.get("peak_memory_bytes"));
        assertEquals(Arrays.<Object>asList(0L, 0L, 0L), measurement.get("thermal_status"));
        assertEquals(0.75, measurement.get("identical"));
        assertEquals(2L, measurement.get("ops"));
        assertEquals(1L, measurement.get("delegated_ops"));
        assertEquals("Fake delegate", measurement.get("delegate"));
        assertNull(measurement(result(), 1).get("ops"));
    }

    @Test
    public void energyIsPowerAboveIdleTimesLatency() throws Exception {
        Map<?, ?> result = result();
        Map<?, ?> energy = (Map<?, ?>) measurement(result, 0).get("energy");
        assertEquals(20, (Double) energy.get("mj_per_inference"), 0.3);
        assertEquals(2400, (Double) energy.get("active_mw"), 20);
        assertEquals(400, (Double) energy.get("idle_mw"), 20);
        assertEquals(100, (Double) energy.get("sample_ms"), 1e-6);
        assertEquals(3.75, (Double) energy.get("percent_per_hour"), 0.06);
        assertEquals(Collections.singletonList(Flags.SCREEN_ON), energy.get("flags"));
        Map<?, ?> slower = (Map<?, ?>) measurement(result, 1).get("energy");
        assertEquals(40, (Double) slower.get("mj_per_inference"), 0.6);
        assertEquals(Collections.emptyList(), result.get("flags"));
    }

    @Test
    public void roundsAreInterleaved() throws Exception {
        result();
        assertEquals(
                Arrays.asList("xnnpack", "reference", "xnnpack", "reference", "xnnpack", "reference"),
                engine.opened);
    }

    @Test
    public void progressTellsEveryState() throws Exception {
        put(job, "rounds", 1);
        result();
        assertEquals(
                Arrays.asList(
                        "checking", "idle", "warm_up", "running", "cooling", "warm_up", "running",
                        "cooling", "idle", "done"),
                states());
    }

    @Test
    public void withoutEnergyThereIsNoIdle() throws Exception {
        put(job, "energy", null, "cool_down_seconds", 0);
        Map<?, ?> result = result();
        assertNull(measurement(result, 0).get("energy"));
        assertFalse(states().contains("idle"));
        assertFalse(states().contains("cooling"));
    }

    @Test
    public void aSlowModelGetsItsInferences() throws Exception {
        put(job, "seconds", 0.1, "min_inferences", 30, "energy", null);
        List<?> rounds = (List<?>) measurement(result(), 1).get("latencies_ms");
        assertEquals(30, ((List<?>) rounds.get(0)).size());
    }

    @Test
    public void zerosGoInWhereThereAreNoSamples() throws Exception {
        put(model, "samples", 0, "inputs", Arrays.asList(), "expected", Arrays.asList());
        Map<?, ?> measurement = measurement(result(), 0);
        assertNull(measurement.get("error"));
        assertNull(measurement.get("identical"));
    }

    @Test
    public void onACableEnergyIsRefused() throws Exception {
        phone.supply = PowerSample.Supply.USB;
        Map<?, ?> result = result();
        assertNull(measurement(result, 0).get("energy"));
        assertNotNull(measurement(result, 0).get("latencies_ms"));
        assertEquals(Arrays.asList(Flags.CHARGING_OVER_USB), result.get("flags"));
        phone.supply = PowerSample.Supply.WIRELESS;
        assertEquals(Arrays.asList(Flags.CHARGING), result().get("flags"));
    }

    @Test
    public void aScreenThatGoesOffMeanwhileRefusesEnergy() throws Exception {
        phone.screenOffAt = 50;
        Map<?, ?> result = result();
        assertNull(measurement(result, 0).get("energy"));
        assertEquals(Arrays.asList(Flags.SCREEN_OFF), result.get("flags"));
    }

    @Test
    public void aScreenThatIsOffAllAlongIsFlagged() throws Exception {
        phone.screenOn = false;
        Map<?, ?> result = result();
        Map<?, ?> energy = (Map<?, ?>) measurement(result, 0).get("energy");
        assertEquals(Arrays.asList(Flags.SCREEN_OFF), energy.get("flags"));
        assertEquals(Arrays.asList(Flags.SCREEN_OFF), result.get("flags"));
    }

    @Test
    public void anUnknownBatteryHasNoPercentAnHour() throws Exception {
        phone.state.put("battery_percent", null);
        Map<?, ?> energy = (Map<?, ?>) measurement(result(), 0).get("energy");
        assertNull(energy.get("percent_per_hour"));
    }

    @Test
    public void aFrameRateBeyondTheModelHasNoPercentAnHour() throws Exception {
        Map<String, Object> energy = energy();
        put(energy, "frame_rate", 60.0);
        put(job, "energy", energy);
        Map<?, ?> result = result();
        assertNotNull(((Map<?, ?>) measurement(result, 0).get("energy")).get("percent_per_hour"));
        assertNull(((Map<?, ?>) measurement(result, 1).get("energy")).get("percent_per_hour"));
    }

    @Test
    public void heatAndPowerSavingAreFlagged() throws Exception {
        phone.thermalStatus = 2;
        phone.state.put("power_save", true);
        assertEquals(
                Arrays.asList(Flags.POWER_SAVE, Flags.THERMAL_THROTTLING), result().get("flags"));
    }

    @Test
    public void growingLatenciesAreThrottling() throws Exception {
        engine.slower = 1;
        assertEquals(Arrays.asList(Flags.THERMAL_THROTTLING), result().get("flags"));
    }

    @Test
    public void beforeAndroid10ThermalStatusIsNull() throws Exception {
        phone.thermalStatus = null;
        assertNull(measurement(result(), 0).get("thermal_status"));
    }

    @Test
    public void aRefusedBackendLeavesTheOthers() throws Exception {
        put(job, "runs", Arrays.asList(run("nnapi", 1), run("xnnpack", 4)));
        engine.nnapi = new Failure(Failure.BACKEND_REFUSED, "no such accelerator");
        Map<?, ?> result = result();
        assertNull(result.get("error"));
        Map<?, ?> refused = measurement(result, 0);
        assertEquals("backend_refused", code(refused.get("error")));
        for (Object key : refused.keySet()) {
            boolean kept = key.equals("run") || key.equals("error");
            assertEquals(key.toString(), kept, refused.get(key) != null);
        }
        assertNull(measurement(result, 1).get("error"));
        assertEquals(Arrays.asList("xnnpack", "xnnpack", "xnnpack"), engine.opened);
    }

    @Test
    public void outOfMemoryIsOfItsRun() throws Exception {
        put(job, "runs", Arrays.asList(run("nnapi", 1), run("xnnpack", 4)));
        engine.nnapi = new OutOfMemoryError("too much");
        assertEquals("out_of_memory", code(measurement(result(), 0).get("error")));
    }

    @Test
    public void inputsOfAnotherSizeAreBad() throws Exception {
        put(model, "samples", 3);
        Map<?, ?> error = (Map<?, ?>) measurement(result(), 0).get("error");
        assertEquals("bad_input", error.get("code"));
        assertTrue(error.get("message").toString().contains("expected 6"));
    }

    @Test
    public void moreInputsThanTheModelHasAreBad() throws Exception {
        Object input = ((List<?>) model.get("inputs")).get(0);
        put(model, "inputs", Arrays.asList(input, input));
        assertEquals("bad_input", code(measurement(result(), 0).get("error")));
    }

    @Test
    public void withoutARuntimeTheJobFails() throws Exception {
        engine.noRuntime = new Failure(Failure.NO_RUNTIME, "none in this build");
        Map<?, ?> result = result();
        assertEquals("no_runtime", code(result.get("error")));
        assertEquals(Collections.emptyList(), result.get("measurements"));
        assertNull(((Map<?, ?>) result.get("app")).get("runtime"));
        assertEquals("failed", states().get(states().size() - 1));
    }

    @Test
    public void leavingTheAppCancels() throws Exception {
        phone.cancelledAt = 60;
        Map<?, ?> result = result();
        assertEquals("cancelled", code(result.get("error")));
        assertEquals("{version=1.0, runtime=Fake 1.0}", result.get("app").toString());
    }

    @Test
    public void leavingTheAppWhileIdleCancels() throws Exception {
        phone.cancelledAt = 20;
        assertEquals("cancelled", code(result().get("error")));
        assertTrue(engine.opened.isEmpty());
    }

    @Test
    public void aBadJobFails() throws Exception {
        put(job, "rounds", "three");
        Map<?, ?> result = result();
        assertEquals("bad_job", code(result.get("error")));
        assertEquals(Arrays.asList("checking", "failed"), states());
    }

    @Test
    public void aFileThatChangedFails() throws Exception {
        String name = files.keySet().iterator().next();
        WholeFile.write(new File(folder, name), "b model".getBytes(StandardCharsets.UTF_8));
        assertEquals("wrong_hash", code(result().get("error")));
        assertTrue(new File(folder, name).delete());
        assertEquals("missing_file", code(result().get("error")));
    }

    @Test
    public void theScreensOwnJobRunsToo() {
        Job local = LocalJob.of("any", Backend.GPU, 8, " npu ", true);
        assertEquals(1, local.runs.get(0).threads);
        assertNull(local.runs.get(0).accelerator);
        assertEquals("npu", LocalJob.of("any", Backend.NNAPI, 8, " npu ", true).runs.get(0).accelerator);
        assertTrue(JobFiles.isId(local.id));
        Map<String, Object> result =
                new JobRunner(engine, phone, "1.0").run(local, name -> new File(name));
        String text = ResultText.of(result);
        for (String word : new String[] {"p50: 20.00 ms", "p99", "± 0.00", "48.0 MB", "1 of 2 ops", "first run: 30.00", "mJ"}) {
            assertTrue(text, text.contains(word));
        }
    }
}
