package org.tflq.bench.logic;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;

/** Files that appear whole or not at all. */
public final class WholeFile {
    private WholeFile() {}

    /** Writes beside the target first, then renames; makes the folder if there is none. */
    public static void write(File target, byte[] content) throws IOException {
        File folder = target.getAbsoluteFile().getParentFile();
        Files.createDirectories(folder.toPath());
        File temporary = File.createTempFile("writing", ".tmp", folder);
        try {
            try (FileOutputStream stream = new FileOutputStream(temporary)) {
                stream.write(content);
                stream.getFD().sync();
            }
            Files.move(temporary.toPath(), target.toPath(), StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary.toPath());
        }
    }
}
