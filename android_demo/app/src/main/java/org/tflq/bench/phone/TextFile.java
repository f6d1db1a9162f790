package org.tflq.bench.phone;

import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** Small text files of the kernel. */
final class TextFile {
    private TextFile() {}

    /** The text, or an empty one where it cannot be read: vendors hide some of these files. */
    static String readOrEmpty(String path) {
        try (InputStream stream = new FileInputStream(path)) {
            // Files of the kernel say that they have no size, so they are read to their end.
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            byte[] block = new byte[4096];
            for (int read = stream.read(block); read >= 0; read = stream.read(block)) {
                content.write(block, 0, read);
            }
            return new String(content.toByteArray(), StandardCharsets.UTF_8);
        } catch (IOException hidden) {
            return "";
        }
    }
}
