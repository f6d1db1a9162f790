package org.tflq.bench;

import android.app.Activity;
import android.content.Intent;
import android.os.Build;
import android.view.View;
import android.view.WindowManager;
import android.widget.CheckBox;
import android.widget.EditText;
import android.widget.TextView;

import org.tflq.bench.engine.TfliteEngine;
import org.tflq.bench.logic.Backend;
import org.tflq.bench.logic.Job;
import org.tflq.bench.logic.JobRunner;
import org.tflq.bench.logic.JsonWriter;
import org.tflq.bench.logic.LocalJob;
import org.tflq.bench.logic.ResultText;
import org.tflq.bench.phone.AndroidPhone;
import org.tflq.bench.phone.OwnLog;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;

/** The half of the screen that measures one model. */
final class BenchmarkPanel {
    private final Activity activity;
    private final Models models;
    private final ExecutorService worker;
    private final Choice model;
    private final Choice backend;
    private final Choice threads;
    private final TextView shown;
    private AndroidPhone phone;
    private String json;

    BenchmarkPanel(Activity activity, Models models, ExecutorService worker) {
        this.activity = activity;
        this.models = models;
        this.worker = worker;
        model = new Choice(activity, R.id.model, models.names());
        backend = new Choice(activity, R.id.backend, backends());
        threads = new Choice(activity, R.id.threads, counts());
        shown = activity.findViewById(R.id.benchmark_text);
        activity.findViewById(R.id.run).setOnClickListener(view -> start());
        activity.findViewById(R.id.stop).setOnClickListener(view -> cancel());
        activity.findViewById(R.id.share).setOnClickListener(view -> share());
    }

    private static List<String> backends() {
        List<String> keys = new ArrayList<>();
        for (Backend backend : Backend.values()) {
            keys.add(backend.key);
        }
        return keys;
    }

    private static List<String> counts() {
        List<String> counts = new ArrayList<>();
        for (int count = 1; count <= Runtime.getRuntime().availableProcessors(); count++) {
            counts.add(String.valueOf(count));
        }
        return counts;
    }

    /** Lists the models anew: more may have been pushed. */
    void refresh() {
        model.set(models.names());
    }

    void cancel() {
        if (phone != null) {
            phone.cancel();
        }
    }

    private void start() {
        String name = model.item();
        if (name == null) {
            shown.setText(activity.getString(R.string.no_models, models.pushed().getPath()));
            return;
        }
        EditText accelerator = activity.findViewById(R.id.accelerator);
        CheckBox energy = activity.findViewById(R.id.energy);
        Job job =
                LocalJob.of(
                        name,
                        Backend.values()[backend.index()],
                        1 + threads.index(),
                        accelerator.getText().toString(),
                        energy.isChecked());
        phone = new AndroidPhone(activity, this::show);
        busy(true);
        AndroidPhone running = phone;
        worker.execute(() -> run(job, running));
    }

    private void run(Job job, AndroidPhone running) {
        TfliteEngine engine = new TfliteEngine(Build.VERSION.SDK_INT, new OwnLog());
        JobRunner runner = new JobRunner(engine, running, AppVersion.of(activity));
        String text;
        try {
            File file = models.file(job.models.get(0).file);
            Map<String, Object> result = runner.run(job, name -> file);
            json = JsonWriter.write(result);
            text = ResultText.of(result);
        } catch (IOException error) {
            text = error.toString();
        }
        show(text);
        activity.runOnUiThread(() -> busy(false));
    }

    private void show(String text) {
        activity.runOnUiThread(() -> shown.setText(text));
    }

    private void busy(boolean busy) {
        activity.findViewById(R.id.run).setEnabled(!busy);
        activity.findViewById(R.id.stop).setEnabled(busy);
        View share = activity.findViewById(R.id.share);
        share.setEnabled(!busy && json != null);
        if (busy) {
            activity.getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        } else {
            activity.getWindow().clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        }
    }

    private void share() {
        Intent intent = new Intent(Intent.ACTION_SEND);
        intent.setType("text/plain");
        intent.putExtra(Intent.EXTRA_TEXT, json);
        activity.startActivity(Intent.createChooser(intent, activity.getString(R.string.share)));
    }
}
