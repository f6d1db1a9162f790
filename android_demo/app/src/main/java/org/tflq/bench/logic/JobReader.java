package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads and checks a job; the first thing wrong with it is named in the failure. */
public final class JobReader {
    public static final String SCHEMA = "tflq-bench-job/1";
    public static final int MAX_BYTES = 1 << 20;
    private static final int MAX_ITEMS = 256;
    private static final int MAX_NAME = 200;
    private static final long MAX_FILE_BYTES = Integer.MAX_VALUE;
    private static final double HOUR = 3600;

    private JobReader() {}

    /** The job that UTF-8 bytes hold, which must be the one named {@code id}. */
    public static Job read(byte[] json, String id) throws Failure {
        if (json.length > MAX_BYTES) {
            throw new Failure(
                    Failure.BAD_JOB,
                    "the job has " + json.length + " bytes; expected at most " + MAX_BYTES + ".");
        }
        try {
            return read(Fields.of(JsonReader.parse(json), ""), id);
        } catch (JsonException error) {
            throw new Failure(Failure.BAD_JOB, "the job is not JSON: " + error.getMessage(), error);
        }
    }

    private static Job read(Fields job, String id) throws Failure {
        expect(job, "schema", SCHEMA);
        expect(job, "id", id);
        Map<String, Long> files = files(job.object("files"));
        List<Job.Model> models = new ArrayList<>();
        for (Fields model : objects(job, "models")) {
            models.add(model(model, files));
        }
        List<Job.Run> runs = new ArrayList<>();
        for (Fields run : objects(job, "runs")) {
            runs.add(run(run, models.size()));
        }
        return new Job(id, files, models, runs, timing(job), energy(job));
    }

    private static void expect(Fields fields, String key, String expected) throws Failure {
        String found = fields.text(key, MAX_NAME);
        if (!found.equals(expected)) {
            throw Fields.bad(fields.name(key), found, "'" + expected + "'");
        }
    }

    private static List<Fields> objects(Fields fields, String key) throws Failure {
        List<Fields> objects = new ArrayList<>();
        for (Object item : fields.list(key, 1, MAX_ITEMS)) {
            objects.add(Fields.of(item, fields.name(key) + "[" + objects.size() + "]"));
        }
        return objects;
    }

    private static Map<String, Long> files(Fields fields) throws Failure {
        Map<String, Long> sizes = new LinkedHashMap<>();
        for (String name : fields.keys()) {
            if (!JobFiles.isContentName(name)) {
                throw Fields.bad("a name in files", name, "64 hexadecimal digits in lower case");
            }
            sizes.put(name, fields.object(name).integer("bytes", 0, MAX_FILE_BYTES));
        }
        return sizes;
    }

    private static Job.Model model(Fields fields, Map<String, Long> files) throws Failure {
        String file = fields.text("file", MAX_NAME);
        checkListed(fields.name("file"), file, files);
        int samples = (int) fields.integer("samples", 0, 100_000);
        List<String> inputs = names(fields, "inputs", files);
        List<String> expected = names(fields, "expected", files);
        if (samples == 0 && !(inputs.isEmpty() && expected.isEmpty())) {
            throw Fields.bad(
                    fields.name("samples"), samples, "more, as there are inputs or outputs");
        }
        if (samples > 0 && inputs.isEmpty()) {
            throw Fields.bad(fields.name("inputs"), "empty", "a file an input, or samples 0");
        }
        String name = fields.text("name", MAX_NAME);
        return new Job.Model(name, file, samples, inputs, expected);
    }

    private static List<String> names(Fields fields, String key, Map<String, Long> files)
            throws Failure {
        List<String> names = new ArrayList<>();
        for (Object item : fields.list(key, 0, MAX_ITEMS)) {
            checkListed(fields.name(key) + "[" + names.size() + "]", item, files);
            names.add((String) item);
        }
        return names;
    }

    private static void checkListed(String name, Object value, Map<String, Long> files)
            throws Failure {
        if (!(value instanceof String) || !files.containsKey(value)) {
            throw Fields.bad(name, value, "a name that files lists");
        }
    }

    private static Job.Run run(Fields fields, int models) throws Failure {
        int model = (int) fields.integer("model", 0, models - 1L);
        String key = fields.text("backend", MAX_NAME);
        Backend backend = Backend.of(key);
        if (backend == null) {
            throw Fields.bad(fields.name("backend"), key, "xnnpack, reference, nnapi or gpu");
        }
        int threads = (int) fields.integer("threads", 1, backend.threaded ? 64 : 1);
        String accelerator = fields.textOrNull("accelerator", MAX_NAME);
        if (accelerator != null && backend != Backend.NNAPI) {
            throw Fields.bad(
                    fields.name("accelerator"), accelerator, "null, as only nnapi has any");
        }
        return new Job.Run(model, backend, threads, accelerator);
    }

    private static Job.Timing timing(Fields job) throws Failure {
        return new Job.Timing(
                (int) job.integer("rounds", 1, 1000),
                job.number("warm_up_seconds", 0, HOUR),
                job.number("seconds", 0, HOUR),
                (int) job.integer("min_inferences", 1, 1_000_000),
                job.number("cool_down_seconds", 0, HOUR));
    }

    private static Job.EnergyPlan energy(Fields job) throws Failure {
        if (job.get("energy") == null) {
            return null;
        }
        Fields energy = job.object("energy");
        return new Job.EnergyPlan(
                energy.number("idle_seconds", 1, HOUR), energy.number("frame_rate", 0.001, 1000));
    }
}
