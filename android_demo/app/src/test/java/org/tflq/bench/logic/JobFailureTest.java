package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** What is refused or flagged of whole jobs, and how whole jobs fail. */
public final class JobFailureTest extends WholeJob {
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
    public void anAcceleratorThatTakesNothingIsRefused() throws Exception {
        put(job, "runs", Arrays.asList(run("nnapi", 1), run("xnnpack", 4)));
        engine.taken = 0;
        Map<?, ?> result = result();
        Map<?, ?> error = (Map<?, ?>) measurement(result, 0).get("error");
        assertEquals("backend_refused", error.get("code"));
        assertEquals("nnapi took none of 2 ops.", error.get("message"));
        assertNull(measurement(result, 1).get("error"));
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
}
