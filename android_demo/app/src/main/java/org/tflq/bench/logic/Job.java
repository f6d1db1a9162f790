package org.tflq.bench.logic;

import java.util.List;
import java.util.Map;

/** What is to be measured: PROTOCOL.md's job, already checked by {@link JobReader}. */
public final class Job {
    public final String id;

    /** Size in bytes, by sha256. */
    public final Map<String, Long> files;

    public final List<Model> models;
    public final List<Run> runs;
    public final int rounds;
    public final double warmUpSeconds;
    public final double seconds;
    public final int minInferences;
    public final double coolDownSeconds;

    /** Null when no energy is asked for. */
    public final EnergyPlan energy;

    public Job(
            String id,
            Map<String, Long> files,
            List<Model> models,
            List<Run> runs,
            Timing timing,
            EnergyPlan energy) {
        this.id = id;
        this.files = files;
        this.models = models;
        this.runs = runs;
        this.rounds = timing.rounds;
        this.warmUpSeconds = timing.warmUpSeconds;
        this.seconds = timing.seconds;
        this.minInferences = timing.minInferences;
        this.coolDownSeconds = timing.coolDownSeconds;
        this.energy = energy;
    }

    /** A model with what goes in and what should come out. */
    public static final class Model {
        public final String name;
        public final String file;
        public final int samples;
        public final List<String> inputs;
        public final List<String> expected;

        public Model(
                String name, String file, int samples, List<String> inputs, List<String> expected) {
            this.name = name;
            this.file = file;
            this.samples = samples;
            this.inputs = inputs;
            this.expected = expected;
        }
    }

    /** A model on a backend. */
    public static final class Run {
        public final int model;
        public final Backend backend;
        public final int threads;

        /** NNAPI's name for it, or null for NNAPI's own choice. */
        public final String accelerator;

        public Run(int model, Backend backend, int threads, String accelerator) {
            this.model = model;
            this.backend = backend;
            this.threads = threads;
            this.accelerator = accelerator;
        }
    }

    /** How long everything lasts. */
    public static final class Timing {
        final int rounds;
        final double warmUpSeconds;
        final double seconds;
        final int minInferences;
        final double coolDownSeconds;

        public Timing(
                int rounds,
                double warmUpSeconds,
                double seconds,
                int minInferences,
                double coolDownSeconds) {
            this.rounds = rounds;
            this.warmUpSeconds = warmUpSeconds;
            this.seconds = seconds;
            this.minInferences = minInferences;
            this.coolDownSeconds = coolDownSeconds;
        }
    }

    /** How energy is measured. */
    public static final class EnergyPlan {
        public final double idleSeconds;
        public final double frameRate;

        public EnergyPlan(double idleSeconds, double frameRate) {
            this.idleSeconds = idleSeconds;
            this.frameRate = frameRate;
        }
    }
}
