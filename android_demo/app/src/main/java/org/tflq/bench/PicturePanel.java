package org.tflq.bench;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Intent;
import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.net.Uri;
import android.os.Build;
import android.provider.MediaStore;
import android.widget.ImageView;
import android.widget.TextView;

import org.tflq.bench.engine.TfliteEngine;
import org.tflq.bench.logic.Backend;
import org.tflq.bench.logic.Comparison;
import org.tflq.bench.logic.Engine;
import org.tflq.bench.logic.Failure;
import org.tflq.bench.logic.Job;
import org.tflq.bench.logic.Picture;
import org.tflq.bench.phone.OwnLog;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;

/** The half of the screen that classifies a picture with two models. */
final class PicturePanel {
    private static final int GALLERY = 1;
    private static final int CAMERA = 2;

    /** Larger pictures are read at a half, a quarter, … of their size. */
    private static final int LARGEST_SIDE = 2048;

    private final Activity activity;
    private final Models models;
    private final ExecutorService worker;
    private final Choice first;
    private final Choice second;
    private final Choice range;
    private final TextView shown;

    PicturePanel(Activity activity, Models models, ExecutorService worker) {
        this.activity = activity;
        this.models = models;
        this.worker = worker;
        first = new Choice(activity, R.id.first_model, models.names());
        second = new Choice(activity, R.id.second_model, models.names());
        range =
                new Choice(
                        activity,
                        R.id.range,
                        Arrays.asList(activity.getResources().getStringArray(R.array.ranges)));
        shown = activity.findViewById(R.id.picture_text);
        activity.findViewById(R.id.gallery).setOnClickListener(view -> pick());
        activity.findViewById(R.id.camera).setOnClickListener(view -> photograph());
    }

    void refresh() {
        first.set(models.names());
        second.set(models.names());
    }

    private void pick() {
        Intent intent = new Intent(Intent.ACTION_GET_CONTENT);
        intent.setType("image/*");
        ask(intent, GALLERY);
    }

    /** The camera app's thumbnail is enough for a classifier, and needs no permission. */
    private void photograph() {
        ask(new Intent(MediaStore.ACTION_IMAGE_CAPTURE), CAMERA);
    }

    private void ask(Intent intent, int request) {
        try {
            activity.startActivityForResult(intent, request);
        } catch (ActivityNotFoundException none) {
            shown.setText(R.string.no_app_for_pictures);
        }
    }

    /** Takes what the gallery or the camera gave. */
    void onResult(int request, int code, Intent data) {
        if (code != Activity.RESULT_OK || data == null) {
            return;
        }
        if (request == GALLERY && data.getData() != null) {
            Uri uri = data.getData();
            start(() -> read(uri));
        } else if (request == CAMERA && data.getExtras() != null) {
            Bitmap thumbnail = (Bitmap) data.getExtras().get("data");
            start(() -> thumbnail);
        }
    }

    /** Where a picture comes from. */
    private interface Source {
        Bitmap read() throws IOException;
    }

    /** Reads what is picked here, as only the screen's thread may, and leaves it to the worker. */
    private void start(Source source) {
        List<String> names = Arrays.asList(first.item(), second.item());
        // The first item of the list reads the range from a model's input.
        Picture.Range chosen = range.index() < 1 ? null : Picture.Range.values()[range.index() - 1];
        if (names.contains(null)) {
            show(activity.getString(R.string.no_models, models.pushed().getPath()), null);
            return;
        }
        worker.execute(() -> classify(source, names, chosen));
    }

    private void classify(Source source, List<String> names, Picture.Range chosen) {
        Bitmap picture = null;
        String text;
        try {
            picture = source.read();
            text =
                    picture == null
                            ? activity.getString(R.string.no_picture)
                            : compare(names, square(picture), chosen);
        } catch (Failure | IOException | RuntimeException | OutOfMemoryError error) {
            text = Failure.of(error).getMessage();
        }
        show(text, picture);
    }

    private Bitmap read(Uri uri) throws IOException {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inJustDecodeBounds = true;
        decode(uri, options);
        options.inSampleSize = 1;
        while (Math.max(options.outWidth, options.outHeight) / options.inSampleSize
                > LARGEST_SIDE) {
            options.inSampleSize *= 2;
        }
        options.inJustDecodeBounds = false;
        return decode(uri, options);
    }

    private Bitmap decode(Uri uri, BitmapFactory.Options options) throws IOException {
        try (InputStream stream = activity.getContentResolver().openInputStream(uri)) {
            return BitmapFactory.decodeStream(stream, null, options);
        }
    }

    private String compare(List<String> names, Bitmap square, Picture.Range chosen)
            throws Failure, IOException {
        TfliteEngine engine = new TfliteEngine(Build.VERSION.SDK_INT, new OwnLog());
        Job.Run run = new Job.Run(0, Backend.XNNPACK, 1, null);
        List<Engine.Session> sessions = new ArrayList<>();
        try {
            for (String name : names) {
                sessions.add(engine.open(models.file(name), run));
            }
            return Comparison.of(
                    names,
                    sessions,
                    (width, height) -> pixels(square, width, height),
                    chosen,
                    models.labels());
        } finally {
            for (Engine.Session session : sessions) {
                session.close();
            }
        }
    }

    private static Bitmap square(Bitmap picture) {
        int side = Math.min(picture.getWidth(), picture.getHeight());
        int left = (picture.getWidth() - side) / 2;
        int top = (picture.getHeight() - side) / 2;
        return Bitmap.createBitmap(picture, left, top, side, side);
    }

    private static int[] pixels(Bitmap picture, int width, int height) {
        int[] pixels = new int[width * height];
        Bitmap.createScaledBitmap(picture, width, height, true)
                .getPixels(pixels, 0, width, 0, 0, width, height);
        return pixels;
    }

    private void show(String text, Bitmap picture) {
        activity.runOnUiThread(
                () -> {
                    shown.setText(text);
                    ImageView view = activity.findViewById(R.id.picture);
                    view.setImageBitmap(picture);
                });
    }
}
