package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Builds a result of PROTOCOL.md. */
final class Results {
    static final String SCHEMA = "tflq-bench-result/1";

    private final String id;
    private final Map<String, Object> app = new LinkedHashMap<>();
    private final Map<String, Object> device;
    private final Map<String, Object> state;

    Results(
            String id,
            String appVersion,
            String runtime,
            Map<String, Object> device,
            Map<String, Object> state) {
        this.id = id;
        this.device = device;
        this.state = state;
        app.put("version", appVersion);
        app.put("runtime", runtime);
    }

    /** The result of a job that was done, with so many latencies of a round at most. */
    Map<String, Object> of(List<RunRecord> records, Collection<String> flags, int latencies) {
        List<Object> measurements = new ArrayList<>();
        for (int run = 0; run < records.size(); run++) {
            measurements.add(records.get(run).toJson(run, latencies));
        }
        return whole(null, measurements, flags);
    }

    /** The result of a job that failed as a whole. */
    Map<String, Object> failed(Failure failure) {
        return whole(
                RunRecord.errorJson(failure), Collections.emptyList(), Collections.emptyList());
    }

    private Map<String, Object> whole(
            Map<String, Object> error, List<Object> measurements, Collection<String> flags) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("schema", SCHEMA);
        members.put("id", id);
        members.put("app", app);
        members.put("error", error);
        members.put("device", device);
        members.put("state", state);
        members.put("measurements", measurements);
        members.put("flags", new ArrayList<>(flags));
        return members;
    }
}
