package org.tflq.bench;

import android.content.Context;
import android.content.pm.PackageManager;

/** The app's version, as the build wrote it into the package. */
final class AppVersion {
    private AppVersion() {}

    static String of(Context context) {
        try {
            String name = context.getPackageName();
            return context.getPackageManager().getPackageInfo(name, 0).versionName;
        } catch (PackageManager.NameNotFoundException error) {
            throw new IllegalStateException("an app that is not installed", error);
        }
    }
}
