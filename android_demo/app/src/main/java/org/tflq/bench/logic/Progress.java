package org.tflq.bench.logic;

import java.util.LinkedHashMap;
import java.util.Map;

/** Where a job stands, as the line that the host reads from the log. */
public final class Progress {
    /** A line of the log holds about 4000 bytes; an escaped character takes up to six. */
    private static final int LONGEST_MESSAGE = 500;

    /** What is being done. */
    public enum State {
        CHECKING("checking"),
        IDLE("idle"),
        WARM_UP("warm_up"),
        RUNNING("running"),
        COOLING("cooling"),
        DONE("done"),
        FAILED("failed");

        public final String key;

        State(String key) {
            this.key = key;
        }
    }

    private Progress() {}

    public static String line(
            String job, int run, int runs, int round, int rounds, State state, String message) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("job", job);
        members.put("run", run);
        members.put("runs", runs);
        members.put("round", round);
        members.put("rounds", rounds);
        members.put("state", state.key);
        boolean fits = message.length() <= LONGEST_MESSAGE;
        members.put("message", fits ? message : message.substring(0, LONGEST_MESSAGE) + "…");
        return JsonWriter.write(members);
    }
}
