package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What was measured of one run so far. */
final class RunRecord {
    /** Null until something went wrong. */
    Failure error;

    Double initialisationMs;
    Double firstMs;
    long peakMemory;
    Integer ops;
    Integer delegatedOps;
    String delegate;
    Double identical;
    Energy energy;
    Double percentPerHour;
    final List<Latencies> rounds = new ArrayList<>();
    final List<Window> windows = new ArrayList<>();
    final List<Integer> thermalStatus = new ArrayList<>();

    List<double[]> latencies() {
        List<double[]> all = new ArrayList<>();
        for (Latencies round : rounds) {
            all.add(round.milliseconds());
        }
        return all;
    }

    /** The run's entry in a result. */
    Map<String, Object> toJson(int run, int most) {
        boolean measured = error == null;
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("run", run);
        members.put("error", measured ? null : errorJson(error));
        members.put("initialisation_ms", measured ? initialisationMs : null);
        members.put("first_ms", measured ? firstMs : null);
        members.put("latencies_ms", measured ? thinned(most) : null);
        members.put("peak_memory_bytes", measured ? peakMemory : null);
        members.put("ops", measured ? ops : null);
        members.put("delegated_ops", measured ? delegatedOps : null);
        members.put("delegate", measured ? delegate : null);
        members.put("identical", measured ? identical : null);
        boolean known = measured && !thermalStatus.contains(null);
        members.put("thermal_status", known ? thermalStatus : null);
        members.put("energy", measured && energy != null ? energyJson() : null);
        return members;
    }

    static Map<String, Object> errorJson(Failure failure) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("code", failure.code());
        members.put("message", failure.getMessage());
        return members;
    }

    private List<Object> thinned(int most) {
        List<Object> all = new ArrayList<>();
        for (Latencies round : rounds) {
            all.add(round.thinned(most));
        }
        return all;
    }

    private Map<String, Object> energyJson() {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("mj_per_inference", energy.millijoules);
        members.put("low", energy.low);
        members.put("high", energy.high);
        members.put("active_mw", energy.activeMilliwatts);
        members.put("idle_mw", energy.idleMilliwatts);
        members.put("samples", energy.samples);
        members.put("sample_ms", energy.sampleMilliseconds);
        members.put("percent_per_hour", percentPerHour);
        members.put("flags", energy.flags);
        return members;
    }
}
