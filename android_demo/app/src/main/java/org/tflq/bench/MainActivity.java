package org.tflq.bench;

import android.app.Activity;
import android.content.Intent;
import android.os.Build;
import android.os.Bundle;
import android.widget.TextView;

import org.tflq.bench.engine.TfliteEngine;
import org.tflq.bench.logic.Failure;
import org.tflq.bench.phone.OwnLog;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The app's screen: measures a model, and shows a picture to two of them. */
public final class MainActivity extends Activity {
    /** One thread for all: a GPU session belongs to the thread that opened it. */
    private final ExecutorService worker = Executors.newSingleThreadExecutor();

    private BenchmarkPanel benchmark;
    private PicturePanel picture;

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.activity_main);
        Models models = new Models(this);
        benchmark = new BenchmarkPanel(this, models, worker);
        picture = new PicturePanel(this, models, worker);
        worker.execute(this::showRuntime);
    }

    @Override
    protected void onRestart() {
        super.onRestart();
        benchmark.refresh();
        picture.refresh();
    }

    @Override
    protected void onDestroy() {
        super.onDestroy();
        benchmark.cancel();
        worker.shutdown();
    }

    @Override
    protected void onActivityResult(int request, int code, Intent data) {
        super.onActivityResult(request, code, data);
        picture.onResult(request, code, data);
    }

    private void showRuntime() {
        String text;
        try {
            text = new TfliteEngine(Build.VERSION.SDK_INT, new OwnLog()).runtime();
        } catch (Failure failure) {
            text = failure.code() + ": " + failure.getMessage();
        }
        String runtime = text;
        runOnUiThread(() -> this.<TextView>findViewById(R.id.runtime).setText(runtime));
    }
}
