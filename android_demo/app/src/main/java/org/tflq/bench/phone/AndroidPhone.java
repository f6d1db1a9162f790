package org.tflq.bench.phone;

import android.content.Context;

import org.tflq.bench.logic.Phone;
import org.tflq.bench.logic.PowerSample;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The phone that this app runs on. */
public final class AndroidPhone implements Phone {
    /** Takes progress lines, on the thread of the job. */
    public interface Listener {
        void progress(String line);
    }

    private final Context context;
    private final Listener listener;
    private final Memory memory = new Memory();
    private final Thermals thermals;
    private final BatterySensor battery;
    private final CountDownLatch cancelled = new CountDownLatch(1);

    public AndroidPhone(Context context, Listener listener) {
        this.context = context;
        this.listener = listener;
        thermals = new Thermals(context);
        battery = new BatterySensor(context, memory::sample);
    }

    /** Ends the job at its next inference or pause. */
    public void cancel() {
        cancelled.countDown();
    }

    @Override
    public long nanos() {
        return System.nanoTime();
    }

    @Override
    public void sleep(double seconds) {
        try {
            cancelled.await((long) (1e9 * seconds), TimeUnit.NANOSECONDS);
        } catch (InterruptedException interrupted) {
            cancel();
        }
    }

    @Override
    public boolean cancelled() {
        return cancelled.getCount() == 0;
    }

    @Override
    public void progress(String line) {
        listener.progress(line);
    }

    @Override
    public Integer thermalStatus() {
        return thermals.status();
    }

    @Override
    public Map<String, Object> device() {
        return Device.facts(context);
    }

    @Override
    public Map<String, Object> state() {
        return Device.state(context, battery.broadcast(), thermals.status());
    }

    @Override
    public void startSampling() {
        battery.start();
    }

    @Override
    public List<PowerSample> stopSampling() {
        return battery.stop();
    }

    @Override
    public void resetPeakMemory() {
        memory.reset();
    }

    @Override
    public long peakMemory() {
        return memory.peak();
    }
}
