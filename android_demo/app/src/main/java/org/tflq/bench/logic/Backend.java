package org.tflq.bench.logic;

/** What executes a model. */
public enum Backend {
    XNNPACK("xnnpack", true),
    REFERENCE("reference", true),
    NNAPI("nnapi", false),
    GPU("gpu", false);

    /** Its name in a job. */
    public final String key;

    /** Whether the number of threads means anything to it. */
    public final boolean threaded;

    Backend(String key, boolean threaded) {
        this.key = key;
        this.threaded = threaded;
    }

    /** The backend of that name, or null. */
    public static Backend of(String key) {
        for (Backend backend : values()) {
            if (backend.key.equals(key)) {
                return backend;
            }
        }
        return null;
    }
}
