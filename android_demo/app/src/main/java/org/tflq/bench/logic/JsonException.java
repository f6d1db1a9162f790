package org.tflq.bench.logic;

/** A text that is not the JSON this app reads; the message says where and why. */
public final class JsonException extends Exception {
    public JsonException(String message) {
        super(message);
    }
}
