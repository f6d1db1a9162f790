package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Does a job from its start to its result. */
public final class JobRunner {
    private final Engine engine;
    private final Phone phone;
    private final String appVersion;
    private String id;
    private Schedule.Step step;
    private Job job;

    public JobRunner(Engine engine, Phone phone, String appVersion) {
        this.engine = engine;
        this.phone = phone;
        this.appVersion = appVersion;
    }

    /** Reads the job of that id, checks its files and runs it; failures end up in the result. */
    public Map<String, Object> run(String id, JobFiles files) {
        this.id = id;
        try {
            show(Progress.State.CHECKING, "");
            Job job = JobReader.read(files.readJob(id), id);
            files.verify(job.files);
            return run(job, files::content);
        } catch (Failure | RuntimeException error) {
            return failed(Failure.of(error), null);
        }
    }

    /** Runs a job whose files are known to be there. */
    public Map<String, Object> run(Job job, FileFinder finder) {
        this.id = job.id;
        this.job = job;
        Map<String, Object> state = phone.state();
        String runtime = null;
        phone.startSampling();
        List<PowerSample> samples = null;
        try {
            runtime = engine.runtime();
            Results results = new Results(id, appVersion, runtime, phone.device(), state);
            List<RunRecord> records = new ArrayList<>();
            Window[] idle = measure(finder, records);
            samples = phone.stopSampling();
            Set<String> flags = new LinkedHashSet<>(warnings(state, samples, records));
            if (job.energy != null) {
                EnergyAccount account = new EnergyAccount(samples);
                account.fill(records, idle[0], idle[1], job.energy, percent(state));
                flags.addAll(account.flags());
            }
            return results.of(records, flags, Latencies.mostOf(job.runs.size() * job.rounds));
        } catch (Failure | RuntimeException | OutOfMemoryError error) {
            return failed(Failure.of(error), runtime);
        } finally {
            if (samples == null) {
                phone.stopSampling();
            }
        }
    }

    /** Says that the job ended; call it once the result is where the host finds it. */
    public void end(Map<String, Object> result) {
        Map<?, ?> error = (Map<?, ?>) result.get("error");
        if (error == null) {
            show(Progress.State.DONE, "");
        } else {
            show(Progress.State.FAILED, (String) error.get("message"));
        }
    }

    private Map<String, Object> failed(Failure failure, String runtime) {
        return new Results(id, appVersion, runtime, phone.device(), phone.state()).failed(failure);
    }

    /** Fills the records; returns the idle windows before and after, empty without energy. */
    private Window[] measure(FileFinder finder, List<RunRecord> records) throws Failure {
        for (int run = 0; run < job.runs.size(); run++) {
            records.add(new RunRecord());
        }
        Integer start = phone.thermalStatus();
        Window before = idle();
        for (Schedule.Step next : Schedule.steps(job.runs.size(), job.rounds)) {
            step = next;
            RunRecord record = records.get(step.run);
            if (record.error == null) {
                measure(finder, record);
                coolDown(start);
            }
        }
        return new Window[] {before, idle()};
    }

    private void measure(FileFinder finder, RunRecord record) throws Failure {
        RoundRunner runner = new RoundRunner(engine, phone, job, finder);
        try {
            runner.measure(job.runs.get(step.run), record, state -> show(state, ""));
        } catch (Failure | RuntimeException | OutOfMemoryError error) {
            record.error = Failure.of(error);
            if (record.error.endsTheJob()) {
                throw record.error;
            }
        }
    }

    private Window idle() throws Failure {
        if (job.energy == null) {
            return null;
        }
        show(Progress.State.IDLE, "");
        double start = phone.nanos() / 1e9;
        rest(job.energy.idleSeconds);
        return new Window(start, phone.nanos() / 1e9, 0);
    }

    private void coolDown(Integer start) throws Failure {
        double waited = 0;
        if (job.coolDownSeconds > 0) {
            show(Progress.State.COOLING, "");
        }
        while (ThermalPolicy.rests(waited, job.coolDownSeconds, start, phone.thermalStatus())) {
            double next = Math.min(1, Math.max(0.01, job.coolDownSeconds - waited));
            rest(next);
            waited += next;
        }
    }

    private void rest(double seconds) throws Failure {
        phone.sleep(seconds);
        if (phone.cancelled()) {
            throw new Failure(Failure.CANCELLED, "the job was cancelled on the phone.");
        }
    }

    private static Set<String> warnings(
            Map<String, Object> state, List<PowerSample> samples, List<RunRecord> records) {
        Set<String> flags = new LinkedHashSet<>();
        if (Boolean.TRUE.equals(state.get("power_save"))) {
            flags.add(Flags.POWER_SAVE);
        }
        for (PowerSample sample : samples) {
            if (!sample.screenOn) {
                flags.add(Flags.SCREEN_OFF);
            }
        }
        for (RunRecord record : records) {
            boolean measured = record.error == null;
            if (measured
                    && (ThermalPolicy.throttled(record.thermalStatus)
                            || ThermalPolicy.slowed(record.latencies()))) {
                flags.add(Flags.THERMAL_THROTTLING);
            }
        }
        return flags;
    }

    private static double percent(Map<String, Object> state) {
        Object percent = state.get("battery_percent");
        return percent instanceof Number ? ((Number) percent).doubleValue() : Double.NaN;
    }

    private void show(Progress.State state, String message) {
        int runs = job == null ? 0 : job.runs.size();
        int rounds = job == null ? 0 : job.rounds;
        int run = step == null ? 0 : step.run;
        int round = step == null ? 0 : step.round;
        phone.progress(Progress.line(id, run, runs, round, rounds, state, message));
    }
}
