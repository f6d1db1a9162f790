package org.tflq.bench.logic;

import java.io.File;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Measures one run in one round: loads the model, warms up, and times inferences. */
final class RoundRunner {
    private final Engine engine;
    private final Phone phone;
    private final Job job;
    private final FileFinder finder;

    RoundRunner(Engine engine, Phone phone, Job job, FileFinder finder) {
        this.engine = engine;
        this.phone = phone;
        this.job = job;
        this.finder = finder;
    }

    /** What is shown meanwhile. */
    interface Shown {
        void state(Progress.State state);
    }

    /** Adds a round to the record; initialisation and first inference are the first round's. */
    void measure(Job.Run run, RunRecord record, Shown shown) throws Failure {
        shown.state(Progress.State.WARM_UP);
        Job.Model model = job.models.get(run.model);
        File file = finder.find(model.file);
        phone.resetPeakMemory();
        long start = phone.nanos();
        try (Engine.Session session = engine.open(file, run)) {
            double initialisation = (phone.nanos() - start) / 1e6;
            checkTaken(run, session);
            Tensors inputs = inputs(model, session);
            ByteBuffer[] outputs = Tensors.zeros(session.outputs()).sample(0);
            long first = timed(session, inputs.sample(0), outputs);
            if (record.initialisationMs == null) {
                record.initialisationMs = initialisation;
                record.firstMs = first / 1e6;
                record.delegate = session.delegate();
                record.ops = session.ops();
                record.delegatedOps = session.delegatedOps();
                record.identical = compare(model, session, inputs, outputs);
            }
            warmUp(session, inputs, outputs);
            shown.state(Progress.State.RUNNING);
            time(session, inputs, outputs, record);
            record.peakMemory = Math.max(record.peakMemory, phone.peakMemory());
            record.thermalStatus.add(phone.thermalStatus());
        }
    }

    /** What an accelerator took nothing of would be a figure of the CPU. */
    private static void checkTaken(Job.Run run, Engine.Session session) throws Failure {
        Integer taken = run.backend.threaded ? null : session.delegatedOps();
        if (taken != null && taken == 0) {
            throw new Failure(
                    Failure.BACKEND_REFUSED,
                    run.backend.key + " took none of " + session.ops() + " ops.");
        }
    }

    private Tensors inputs(Job.Model model, Engine.Session session) throws Failure {
        if (model.samples == 0) {
            return Tensors.zeros(session.inputs());
        }
        return Tensors.read("inputs", files(model.inputs), session.inputs(), model.samples);
    }

    private List<File> files(List<String> names) throws Failure {
        List<File> files = new ArrayList<>();
        for (String name : names) {
            files.add(finder.find(name));
        }
        return files;
    }

    private Double compare(
            Job.Model model, Engine.Session session, Tensors inputs, ByteBuffer[] outputs)
            throws Failure {
        if (model.expected.isEmpty()) {
            return null;
        }
        List<Engine.TensorInfo> infos = session.outputs();
        Tensors expected =
                Tensors.read("expected outputs", files(model.expected), infos, model.samples);
        Correctness correctness = new Correctness();
        for (int sample = 0; sample < inputs.count(); sample++) {
            timed(session, inputs.sample(sample), outputs);
            for (int i = 0; i < outputs.length; i++) {
                correctness.add(outputs[i], expected.sample(sample)[i], infos.get(i).elementBytes);
            }
        }
        return correctness.share();
    }

    private void warmUp(Engine.Session session, Tensors inputs, ByteBuffer[] outputs)
            throws Failure {
        long start = phone.nanos();
        for (int i = 0; (phone.nanos() - start) / 1e9 < job.warmUpSeconds; i++) {
            timed(session, inputs.sample(i % inputs.count()), outputs);
        }
    }

    private void time(
            Engine.Session session, Tensors inputs, ByteBuffer[] outputs, RunRecord record)
            throws Failure {
        Latencies latencies = new Latencies();
        long start = phone.nanos();
        long now = start;
        while (Schedule.goesOn(
                (now - start) / 1e9, job.seconds, latencies.count(), job.minInferences)) {
            latencies.add(
                    timed(session, inputs.sample(latencies.count() % inputs.count()), outputs));
            now = phone.nanos();
        }
        record.rounds.add(latencies);
        record.windows.add(new Window(start / 1e9, now / 1e9, latencies.count()));
    }

    private long timed(Engine.Session session, ByteBuffer[] inputs, ByteBuffer[] outputs)
            throws Failure {
        if (phone.cancelled()) {
            throw new Failure(Failure.CANCELLED, "the job was cancelled on the phone.");
        }
        for (ByteBuffer buffer : inputs) {
            Tensors.rewind(buffer);
        }
        for (ByteBuffer buffer : outputs) {
            Tensors.rewind(buffer);
        }
        long start = phone.nanos();
        session.run(inputs, outputs);
        return phone.nanos() - start;
    }
}
