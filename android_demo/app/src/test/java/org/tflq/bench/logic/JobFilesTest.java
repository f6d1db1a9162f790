package org.tflq.bench.logic;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Collections;

public final class JobFilesTest {
    /** The sha256 of "abc", from FIPS 180-2. */
    private static final String ABC =
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();
    private File folder;
    private JobFiles files;

    @Before
    public void setUp() throws IOException {
        folder = temporary.newFolder("tflq-bench");
        files = new JobFiles(folder);
    }

    private void put(String name, String content) throws IOException {
        WholeFile.write(new File(folder, name), content.getBytes(StandardCharsets.UTF_8));
    }

    private interface Step {
        void run() throws Failure;
    }

    private static void fails(String code, Step step) {
        try {
            step.run();
            fail("expected " + code);
        } catch (Failure failure) {
            assertEquals(failure.getMessage(), code, failure.code());
        }
    }

    @Test
    public void readsAJobByItsId() throws Exception {
        put(JobReaderTest.ID + ".job.json", "{}");
        byte[] read = files.readJob(JobReaderTest.ID);
        assertArrayEquals("{}".getBytes(StandardCharsets.UTF_8), read);
    }

    @Test
    public void onlyIdsAreIds() {
        assertTrue(JobFiles.isId(JobReaderTest.ID));
        for (String name :
                new String[] {
                    null,
                    "",
                    "..",
                    JobReaderTest.ID + "0",
                    JobReaderTest.ID.substring(1),
                    JobReaderTest.ID.toUpperCase(),
                    "../" + JobReaderTest.ID.substring(3),
                    JobReaderTest.ID.replace('0', '/'),
                    JobReaderTest.ID + "\n",
                    JobReaderTest.ID.replace('0', '٠')
                }) {
            assertFalse(name, JobFiles.isId(name));
            fails(Failure.BAD_JOB, () -> files.readJob(name));
        }
    }

    @Test
    public void onlyHashesAreOpened() throws Exception {
        put("abc", "abc");
        for (String name : new String[] {"abc", "../x", "/etc/passwd", ABC + "/", "", null}) {
            assertFalse(JobFiles.isContentName(name));
            fails(Failure.BAD_JOB, () -> files.content(name));
        }
    }

    @Test
    public void aMissingFileIsNamed() {
        fails(Failure.MISSING_FILE, () -> files.readJob(JobReaderTest.ID));
        fails(Failure.MISSING_FILE, () -> files.content(ABC));
        fails(Failure.MISSING_FILE, () -> files.verify(Collections.singletonMap(ABC, 3L)));
    }

    @Test
    public void aFolderIsNoFile() {
        assertTrue(new File(folder, ABC).mkdir());
        fails(Failure.MISSING_FILE, () -> files.content(ABC));
    }

    @Test
    public void aLinkToElsewhereIsNotFollowed() throws Exception {
        File secret = temporary.newFile("secret");
        Files.createSymbolicLink(new File(folder, ABC).toPath(), secret.toPath());
        fails(Failure.MISSING_FILE, () -> files.content(ABC));
    }

    @Test
    public void theFolderItselfMayBeALink() throws Exception {
        put(ABC, "abc");
        File link = new File(temporary.getRoot(), "link");
        Files.createSymbolicLink(link.toPath(), folder.toPath());
        new JobFiles(link).verify(Collections.singletonMap(ABC, 3L));
    }

    @Test
    public void sizeAndHashAreChecked() throws Exception {
        put(ABC, "abc");
        files.verify(Collections.singletonMap(ABC, 3L));
        fails(Failure.WRONG_HASH, () -> files.verify(Collections.singletonMap(ABC, 4L)));
        put(ABC, "abd");
        fails(Failure.WRONG_HASH, () -> files.verify(Collections.singletonMap(ABC, 3L)));
    }

    @Test
    public void aHugeJobIsRefused() throws Exception {
        File file = new File(folder, JobReaderTest.ID + ".job.json");
        WholeFile.write(file, new byte[JobReader.MAX_BYTES + 1]);
        fails(Failure.BAD_JOB, () -> files.readJob(JobReaderTest.ID));
    }

    @Test
    public void writesWholeFilesOnly() throws Exception {
        File target = new File(new File(folder, "results"), "a.json");
        WholeFile.write(target, new byte[] {1});
        WholeFile.write(target, new byte[] {2, 3});
        assertArrayEquals(new byte[] {2, 3}, Files.readAllBytes(target.toPath()));
        assertArrayEquals(new String[] {"a.json"}, target.getParentFile().list());
    }

    @Test
    public void aFailedWriteLeavesNothing() throws Exception {
        File target = new File(folder, "taken");
        assertTrue(new File(target, "full").mkdirs());
        try {
            WholeFile.write(target, new byte[] {1});
            fail();
        } catch (IOException error) {
            assertArrayEquals(new String[] {"taken"}, folder.list());
        }
    }
}
