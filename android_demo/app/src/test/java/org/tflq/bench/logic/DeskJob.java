package org.tflq.bench.logic;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Does a job that the desk has written, with the fake engine and phone, and prints the result. */
final class DeskJob {
    private DeskJob() {}

    /** Takes the folder with the job and its files, and the job's id. */
    public static void main(String[] arguments) throws Exception {
        FakePhone phone = new FakePhone();
        JobRunner runner = new JobRunner(new FakeEngine(phone), phone, "1.0");
        Map<String, Object> result = runner.run(arguments[1], new JobFiles(new File(arguments[0])));
        runner.end(result);
        System.out.write(JsonWriter.write(result).getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }
}
