package org.tflq.bench.phone;

import android.os.Process;

import org.tflq.bench.engine.LogReader;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** What this process logged; an app may read its own lines without a permission. */
public final class OwnLog implements LogReader {
    /** TensorFlow Lite's tag. */
    private static final String TAG = "tflite:V";

    @Override
    public List<String> since(long epochMillis) {
        String time = String.format(Locale.ROOT, "%.3f", epochMillis / 1e3);
        String pid = "--pid=" + Process.myPid();
        List<String> lines = new ArrayList<>();
        try {
            java.lang.Process logcat =
                    new ProcessBuilder("logcat", "-d", "-t", time, pid, "-v", "raw", "-s", TAG)
                            .redirectErrorStream(true)
                            .start();
            try (BufferedReader reader =
                    new BufferedReader(
                            new InputStreamReader(
                                    logcat.getInputStream(), StandardCharsets.UTF_8))) {
                for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                    lines.add(line);
                }
            }
            return lines;
        } catch (IOException unreadable) {
            // Then how much a delegate took stays unknown, which a result can say.
            return Collections.emptyList();
        }
    }
}
