@echo off
rem Calls the Gradle on the PATH; see gradlew.
cd /d "%~dp0"
where gradle >nul 2>nul
if errorlevel 1 (
    echo No 'gradle' on the PATH; install Gradle, or open this folder in Android Studio. 1>&2
    exit /b 1
)
gradle %*
