package android.os;

public class Bundle {
    public Object get(String key) {
        throw new AssertionError("stub");
    }
}
