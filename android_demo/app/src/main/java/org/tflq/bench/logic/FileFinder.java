package org.tflq.bench.logic;

import java.io.File;

/** Names of a job to files: checked ones of the host, or what a person picked. */
public interface FileFinder {
    File find(String name) throws Failure;
}
