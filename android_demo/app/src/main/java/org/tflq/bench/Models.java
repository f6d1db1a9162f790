package org.tflq.bench;

import android.content.Context;

import org.tflq.bench.logic.WholeFile;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** The models on the phone: bundled in assets/models, or pushed to files/models of the app. */
final class Models {
    private static final String FOLDER = "models";
    private static final String SUFFIX = ".tflite";
    private static final String BUNDLED = " (bundled)";

    private final Context context;

    Models(Context context) {
        this.context = context;
    }

    /** Where models are pushed to. */
    File pushed() {
        return new File(context.getExternalFilesDir(null), FOLDER);
    }

    /** Names to pick from. */
    List<String> names() {
        List<String> names = new ArrayList<>();
        String[] files = pushed().list();
        for (String file : files == null ? new String[0] : files) {
            if (file.endsWith(SUFFIX)) {
                names.add(file);
            }
        }
        try {
            for (String asset : context.getAssets().list(FOLDER)) {
                if (asset.endsWith(SUFFIX)) {
                    names.add(asset + BUNDLED);
                }
            }
        } catch (IOException noAssets) {
            return names;
        }
        Collections.sort(names);
        return names;
    }

    /**
     * The file of a name; a bundled one is copied out of the package, as the runtime maps files.
     */
    File file(String name) throws IOException {
        if (!name.endsWith(BUNDLED)) {
            return new File(pushed(), name);
        }
        String asset = name.substring(0, name.length() - BUNDLED.length());
        File copy = new File(new File(context.getCacheDir(), FOLDER), asset);
        WholeFile.write(copy, asset(FOLDER + "/" + asset));
        return copy;
    }

    /** assets/labels.txt, a class a line; empty where there is none. */
    List<String> labels() {
        try {
            String text = new String(asset("labels.txt"), StandardCharsets.UTF_8);
            return Arrays.asList(text.trim().split("\r?\n"));
        } catch (IOException none) {
            return Collections.emptyList();
        }
    }

    private byte[] asset(String path) throws IOException {
        try (InputStream stream = context.getAssets().open(path)) {
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            byte[] block = new byte[1 << 16];
            for (int read = stream.read(block); read >= 0; read = stream.read(block)) {
                content.write(block, 0, read);
            }
            return content.toByteArray();
        }
    }
}
