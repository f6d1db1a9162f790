package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

import java.io.File;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** What whole jobs measure. */
public final class JobRunnerTest extends WholeJob {
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
                        "run",
                        "error",
                        "initialisation_ms",
                        "first_ms",
                        "latencies_ms",
                        "peak_memory_bytes",
                        "ops",
                        "delegated_ops",
                        "delegate",
                        "identical",
                        "thermal_status",
                        "energy"),
                keys(measurement(result, 0)));
        assertEquals(
                Arrays.<Object>asList(
                        "mj_per_inference",
                        "low",
                        "high",
                        "active_mw",
                        "idle_mw",
                        "samples",
                        "sample_ms",
                        "percent_per_hour",
                        "flags"),
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
                Arrays.asList(
                        "xnnpack", "reference", "xnnpack", "reference", "xnnpack", "reference"),
                engine.opened);
    }

    @Test
    public void progressTellsEveryState() throws Exception {
        put(job, "rounds", 1);
        result();
        assertEquals(
                Arrays.asList(
                        "checking",
                        "idle",
                        "warm_up",
                        "running",
                        "cooling",
                        "warm_up",
                        "running",
                        "cooling",
                        "idle",
                        "done"),
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
    public void beforeAndroid10ThermalStatusIsNull() throws Exception {
        phone.thermalStatus = null;
        assertNull(measurement(result(), 0).get("thermal_status"));
    }

    @Test
    public void theScreensOwnJobRunsToo() {
        Job local = LocalJob.of("any", Backend.GPU, 8, " npu ", true);
        assertEquals(1, local.runs.get(0).threads);
        assertNull(local.runs.get(0).accelerator);
        assertEquals(
                "npu", LocalJob.of("any", Backend.NNAPI, 8, " npu ", true).runs.get(0).accelerator);
        assertTrue(JobFiles.isId(local.id));
        Map<String, Object> result =
                new JobRunner(engine, phone, "1.0").run(local, name -> new File(name));
        String text = ResultText.of(result);
        for (String word :
                new String[] {
                    "p50: 20.00 ms",
                    "p99",
                    "± 0.00",
                    "48.0 MB",
                    "1 of 2 ops",
                    "first run: 30.00",
                    "mJ"
                }) {
            assertTrue(text, text.contains(word));
        }
    }
}
