package org.tflq.bench;

import android.app.Activity;
import android.os.Build;
import android.os.Bundle;
import android.os.PowerManager;
import android.util.Log;
import android.view.WindowManager;
import android.widget.TextView;

import org.tflq.bench.engine.TfliteEngine;
import org.tflq.bench.logic.JobFiles;
import org.tflq.bench.logic.JobRunner;
import org.tflq.bench.logic.JsonWriter;
import org.tflq.bench.logic.ResultText;
import org.tflq.bench.logic.WholeFile;
import org.tflq.bench.phone.AndroidPhone;
import org.tflq.bench.phone.OwnLog;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Does a job of PROTOCOL.md that the host started.
 *
 * <p>It needs the screen and the foreground: Android gives what is in the background slower cores.
 */
public final class JobActivity extends Activity {
    static final String TAG = "TflqBench";
    private static final String JOBS = "/data/local/tmp/tflq-bench";

    private TextView shown;
    private AndroidPhone phone;

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.activity_job);
        shown = findViewById(R.id.job_progress);
        String id = getIntent().getStringExtra("job");
        if (!JobFiles.isId(id)) {
            Log.e(TAG, "no job: the extra 'job' must be 32 hexadecimal digits in lower case");
            finish();
            return;
        }
        showOverLockScreen();
        phone = new AndroidPhone(this, this::progress);
        new Thread(() -> run(id), "job").start();
    }

    /** Leaving for another app moves this one to slower cores; a screen that is off is flagged. */
    @Override
    protected void onStop() {
        super.onStop();
        PowerManager power = (PowerManager) getSystemService(POWER_SERVICE);
        if (phone != null && power.isInteractive()) {
            phone.cancel();
        }
    }

    @Override
    protected void onDestroy() {
        super.onDestroy();
        if (phone != null) {
            phone.cancel();
        }
    }

    private void showOverLockScreen() {
        getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        if (Build.VERSION.SDK_INT >= 27) {
            setShowWhenLocked(true);
            setTurnScreenOn(true);
        } else {
            getWindow()
                    .addFlags(
                            WindowManager.LayoutParams.FLAG_SHOW_WHEN_LOCKED
                                    | WindowManager.LayoutParams.FLAG_TURN_SCREEN_ON);
        }
    }

    private void run(String id) {
        TfliteEngine engine = new TfliteEngine(Build.VERSION.SDK_INT, new OwnLog());
        JobRunner runner = new JobRunner(engine, phone, AppVersion.of(this));
        Map<String, Object> result = runner.run(id, new JobFiles(new File(JOBS)));
        try {
            File folder = new File(getExternalFilesDir(null), "results");
            byte[] json = JsonWriter.write(result).getBytes(StandardCharsets.UTF_8);
            WholeFile.write(new File(folder, id + ".json"), json);
            runner.end(result);
            end(ResultText.of(result));
        } catch (IOException error) {
            Log.e(TAG, "the result cannot be written", error);
            end(error.toString());
        }
    }

    private void progress(String line) {
        Log.i(TAG, line);
        runOnUiThread(() -> shown.setText(line));
    }

    private void end(String text) {
        runOnUiThread(
                () -> {
                    getWindow().clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
                    shown.setText(text);
                });
    }
}
