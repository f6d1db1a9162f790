package org.tflq.bench.logic;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The folder that the host pushes to. Only names of 64 hexadecimal digits, and the job's own, are
 * opened in it, and only when they are files there rather than links to somewhere else.
 */
public final class JobFiles {
    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");
    private static final Pattern CONTENT = Pattern.compile("[0-9a-f]{64}");

    private final File folder;

    public JobFiles(File folder) {
        this.folder = folder;
    }

    public static boolean isId(String name) {
        return name != null && ID.matcher(name).matches();
    }

    public static boolean isContentName(String name) {
        return name != null && CONTENT.matcher(name).matches();
    }

    /** The job's bytes. */
    public byte[] readJob(String id) throws Failure {
        if (!isId(id)) {
            throw Fields.bad("the job's id", id, "32 hexadecimal digits in lower case");
        }
        File file = checked(id + ".job.json");
        if (file.length() > JobReader.MAX_BYTES) {
            throw Fields.bad("the job's size", file.length(), "at most " + JobReader.MAX_BYTES);
        }
        try (InputStream stream = new FileInputStream(file)) {
            byte[] content = new byte[(int) file.length()];
            int read = 0;
            while (read < content.length) {
                int more = stream.read(content, read, content.length - read);
                if (more < 0) {
                    throw new IOException("it ends after " + read + " bytes");
                }
                read += more;
            }
            return content;
        } catch (IOException error) {
            throw unreadable(file.getName(), error);
        }
    }

    /** The file of that sha256. */
    public File content(String sha256) throws Failure {
        if (!isContentName(sha256)) {
            throw Fields.bad("a file's name", sha256, "64 hexadecimal digits in lower case");
        }
        return checked(sha256);
    }

    /** Fails unless every file is there, with its size and its hash. */
    public void verify(Map<String, Long> sizes) throws Failure {
        for (Map.Entry<String, Long> entry : sizes.entrySet()) {
            File file = content(entry.getKey());
            if (file.length() != entry.getValue()) {
                throw new Failure(
                        Failure.WRONG_HASH,
                        entry.getKey()
                                + " has "
                                + file.length()
                                + " bytes; expected "
                                + entry.getValue()
                                + ". Push it again.");
            }
            String found = sha256(file);
            if (!found.equals(entry.getKey())) {
                throw new Failure(
                        Failure.WRONG_HASH,
                        entry.getKey() + " has the sha256 " + found + "; push it again.");
            }
        }
    }

    private File checked(String name) throws Failure {
        File file = new File(folder, name);
        try {
            boolean here =
                    file.getCanonicalFile().equals(new File(folder.getCanonicalFile(), name));
            if (file.isFile() && here) {
                return file;
            }
        } catch (IOException error) {
            throw unreadable(name, error);
        }
        throw new Failure(
                Failure.MISSING_FILE, "no file " + name + " in " + folder + "; push it there.");
    }

    private static String sha256(File file) throws Failure {
        try (InputStream stream = new FileInputStream(file)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] block = new byte[1 << 16];
            for (int read = stream.read(block); read >= 0; read = stream.read(block)) {
                digest.update(block, 0, read);
            }
            StringBuilder hex = new StringBuilder();
            for (byte value : digest.digest()) {
                hex.append(Character.forDigit((value >> 4) & 15, 16));
                hex.append(Character.forDigit(value & 15, 16));
            }
            return hex.toString();
        } catch (IOException error) {
            throw unreadable(file.getName(), error);
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException("every Java has SHA-256", error);
        }
    }

    private static Failure unreadable(String name, IOException error) {
        return new Failure(
                Failure.MISSING_FILE,
                name + " cannot be read (" + error.getMessage() + "); push it with mode 0644.",
                error);
    }
}
