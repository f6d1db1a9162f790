package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A phone whose clock moves when it sleeps or computes, and whose battery knows by how much. */
final class FakePhone implements Phone {
    static final double IDLE = 400;
    static final double ACTIVE = 2400;

    final List<String> lines = new ArrayList<>();
    final Map<String, Object> state = new LinkedHashMap<>();
    PowerSample.Supply supply = PowerSample.Supply.BATTERY;
    Integer thermalStatus = 0;
    boolean screenOn = true;

    /** Second at which a person leaves the app. */
    double cancelledAt = Double.POSITIVE_INFINITY;

    /** Second at which the screen goes off. */
    double screenOffAt = Double.POSITIVE_INFINITY;

    boolean sampling;
    private final List<PowerSample> samples = new ArrayList<>();
    private long nanos = 5_000_000_000L;

    FakePhone() {
        state.put("plugged", "none");
        state.put("power_save", false);
        state.put("battery_percent", 50);
    }

    /** Lets time pass at a power. */
    void pass(double seconds, double milliwatts) {
        long end = nanos + Math.round(1e9 * seconds);
        for (long next = nanos / 100_000_000 + 1; next * 100_000_000 <= end; next++) {
            double noise = next % 2 == 0 ? 8 : -8;
            long current = Math.round(-(milliwatts + noise) / 4 * 1e3);
            boolean on = screenOn && next / 10.0 < screenOffAt;
            samples.add(new PowerSample(next * 100_000_000, current, 4000, 2_000_000, supply, on));
        }
        nanos = end;
    }

    @Override
    public long nanos() {
        return nanos;
    }

    @Override
    public void sleep(double seconds) {
        pass(seconds, IDLE);
    }

    @Override
    public boolean cancelled() {
        return nanos / 1e9 >= cancelledAt;
    }

    @Override
    public void progress(String line) {
        lines.add(line);
    }

    @Override
    public Integer thermalStatus() {
        return thermalStatus;
    }

    @Override
    public Map<String, Object> device() {
        Map<String, Object> device = new LinkedHashMap<>();
        device.put("manufacturer", "Fake");
        device.put("model", "fake");
        device.put("hardware", "board");
        device.put("soc", null);
        device.put("fingerprint", "fake/fake");
        device.put("android", "14");
        device.put("sdk", 34);
        device.put("abis", Arrays.asList("arm64-v8a"));
        device.put("cores", 8);
        device.put("max_frequencies_khz", Collections.emptyList());
        device.put("memory_bytes", 8_000_000_000L);
        return device;
    }

    @Override
    public Map<String, Object> state() {
        return state;
    }

    @Override
    public void startSampling() {
        sampling = true;
        samples.clear();
    }

    @Override
    public List<PowerSample> stopSampling() {
        sampling = false;
        return samples;
    }

    @Override
    public void resetPeakMemory() {}

    @Override
    public long peakMemory() {
        return 48_000_000;
    }
}
