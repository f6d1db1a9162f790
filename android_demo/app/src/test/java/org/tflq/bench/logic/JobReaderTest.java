package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import org.junit.Test;

import java.nio.charset.StandardCharsets;

public final class JobReaderTest {
    static final String ID = "0123456789abcdef0123456789abcdef";
    private static final String HASH = repeat("ab", 32);
    private static final String JOB =
            ("{'schema':'tflq-bench-job/1','id':'"
                            + ID
                            + "',"
                            + "'files':{'"
                            + HASH
                            + "':{'bytes':12,'new':1}},"
                            + "'models':[{'name':'Lite0','file':'"
                            + HASH
                            + "','samples':2,"
                            + "'inputs':['"
                            + HASH
                            + "'],'expected':['"
                            + HASH
                            + "']}],"
                            + "'runs':[{'model':0,'backend':'nnapi','threads':1,"
                            + "'accelerator':'npu'}],"
                            + "'rounds':3,'warm_up_seconds':1.0,'seconds':10,'min_inferences':30,"
                            + "'cool_down_seconds':0.5,"
                            + "'energy':{'idle_seconds':30.0,'frame_rate':30},'later':[]}")
                    .replace('\'', '"');

    private static String repeat(String text, int times) {
        return String.join("", java.util.Collections.nCopies(times, text));
    }

    private static Job read(String json) throws Failure {
        return JobReader.read(json.getBytes(StandardCharsets.UTF_8), ID);
    }

    /** With a part replaced, the failure must name what is wrong. */
    private static void refuses(String part, String by, String... words) {
        String quoted = part.replace('\'', '"');
        assertTrue(part, JOB.contains(quoted));
        try {
            read(JOB.replaceFirst(java.util.regex.Pattern.quote(quoted), by.replace('\'', '"')));
            fail(by + " was taken");
        } catch (Failure failure) {
            assertEquals(Failure.BAD_JOB, failure.code());
            for (String word : words) {
                assertTrue(failure.getMessage(), failure.getMessage().contains(word));
            }
        }
    }

    @Test
    public void readsAJobAndIgnoresWhatItDoesNotKnow() throws Failure {
        Job job = read(JOB);
        assertEquals(ID, job.id);
        assertEquals(Long.valueOf(12), job.files.get(HASH));
        assertEquals("Lite0", job.models.get(0).name);
        assertEquals(2, job.models.get(0).samples);
        assertEquals(HASH, job.models.get(0).inputs.get(0));
        assertEquals(Backend.NNAPI, job.runs.get(0).backend);
        assertEquals("npu", job.runs.get(0).accelerator);
        assertEquals(3, job.rounds);
        assertEquals(1, job.warmUpSeconds, 0);
        assertEquals(10, job.seconds, 0);
        assertEquals(30, job.minInferences);
        assertEquals(0.5, job.coolDownSeconds, 0);
        assertEquals(30, job.energy.idleSeconds, 0);
        assertEquals(30, job.energy.frameRate, 0);
    }

    @Test
    public void energyAndAcceleratorMayBeNull() throws Failure {
        String json = JOB.replaceAll("\"energy\":\\{[^}]*\\}", "\"energy\":null");
        assertNull(read(json).energy);
        assertNull(read(JOB.replace("\"npu\"", "null")).runs.get(0).accelerator);
    }

    @Test
    public void samplesMayBeNone() throws Failure {
        String json =
                JOB.replace("\"samples\":2", "\"samples\":0")
                        .replaceAll("(inputs|expected)\":\\[[^]]*\\]", "$1\":[]");
        assertEquals(0, read(json).models.get(0).samples);
    }

    @Test
    public void namesWhatIsMissing() {
        for (String key :
                new String[] {
                    "schema",
                    "id",
                    "files",
                    "models",
                    "runs",
                    "rounds",
                    "warm_up_seconds",
                    "seconds",
                    "min_inferences",
                    "cool_down_seconds",
                    "energy"
                }) {
            refuses("'" + key + "':", "'other " + key + "':", key + " is missing");
        }
        for (String key : new String[] {"name", "file", "samples", "inputs", "expected"}) {
            refuses("'" + key + "':", "'other " + key + "':", "models[0]." + key + " is missing");
        }
        for (String key : new String[] {"model", "backend", "threads", "accelerator"}) {
            refuses("'" + key + "':", "'other " + key + "':", "runs[0]." + key + " is missing");
        }
        refuses("'bytes':", "'size':", "files." + HASH + ".bytes is missing");
        refuses("'idle_seconds':", "'x':", "energy.idle_seconds is missing");
        refuses("'frame_rate':", "'x':", "energy.frame_rate is missing");
    }

    @Test
    public void namesAnotherSchemaOrJob() {
        refuses("tflq-bench-job/1", "tflq-bench-job/2", "schema is 'tflq-bench-job/2'", "job/1'");
        refuses(ID, ID.replace('0', '1'), "id is '1123", ID);
    }

    @Test
    public void namesBadFiles() {
        refuses("'bytes':12", "'bytes':-1", "bytes is -1", "from 0 to");
        refuses("'bytes':12", "'bytes':1e99", "bytes is 1.0E99", "an integer");
        refuses("'files':{'" + HASH, "'files':{'../" + HASH, "name in files", "../", "64 hex");
        refuses("'files':{'" + HASH, "'files':{'" + HASH.toUpperCase(), "name in files", "lower");
        refuses("{'bytes':12,'new':1}", "12", "files." + HASH + " is 12", "an object");
    }

    @Test
    public void namesBadModels() {
        refuses("'file':'" + HASH, "'file':'" + repeat("cd", 32), "models[0].file", "files lists");
        refuses("'inputs':['" + HASH + "']", "'inputs':[7]", "models[0].inputs[0] is 7");
        refuses("'inputs':['" + HASH + "']", "'inputs':[]", "models[0].inputs", "samples 0");
        refuses("'expected':['" + HASH + "']", "'expected':'x'", "models[0].expected is 'x'");
        refuses("'samples':2", "'samples':0", "models[0].samples is 0");
        refuses("'samples':2", "'samples':2.5", "models[0].samples is 2.5", "an integer");
        refuses("'samples':2", "'samples':'2'", "models[0].samples is '2'");
        refuses("'name':'Lite0'", "'name':'" + repeat("x", 999) + "'", "models[0].name", "200");
    }

    @Test
    public void namesBadRuns() {
        refuses("'model':0", "'model':1", "runs[0].model is 1", "from 0 to 0");
        refuses("'nnapi'", "'tpu'", "runs[0].backend is 'tpu'", "xnnpack, reference, nnapi or gpu");
        refuses("'threads':1", "'threads':2", "runs[0].threads is 2", "from 1 to 1");
        refuses("'nnapi'", "'xnnpack'", "runs[0].accelerator is 'npu'", "only nnapi");
        refuses("'accelerator':'npu'", "'accelerator':3", "runs[0].accelerator is 3");
        refuses("'threads':1", "'threads':0", "runs[0].threads is 0");
        refuses("'runs':[", "'runs':[7,", "runs[0] is 7", "an object");
    }

    @Test
    public void namesBadTimes() {
        refuses("'rounds':3", "'rounds':0", "rounds is 0");
        refuses("'seconds':10", "'seconds':-1", "seconds is -1");
        refuses("'seconds':10", "'seconds':1e9", "seconds is 1.0E9", "3600");
        refuses("'seconds':10", "'seconds':null", "seconds is null");
        refuses("'warm_up_seconds':1.0", "'warm_up_seconds':true", "warm_up_seconds is true");
        refuses("'min_inferences':30", "'min_inferences':0", "min_inferences is 0");
        refuses("'cool_down_seconds':0.5", "'cool_down_seconds':[]", "cool_down_seconds is a list");
        refuses("'frame_rate':30", "'frame_rate':0", "energy.frame_rate is 0");
        refuses("'idle_seconds':30.0", "'idle_seconds':0", "energy.idle_seconds is 0");
        refuses("'energy':{", "'energy':[],'other':{", "energy is a list");
    }

    @Test
    public void namesWhatIsNoJob() {
        String[] texts = {
            "", "[]", "{", "{\"schema\":NaN}", repeat("[", 99), "\"" + repeat("x", 2 << 20) + "\""
        };
        for (String text : texts) {
            try {
                read(text);
                fail();
            } catch (Failure failure) {
                assertEquals(Failure.BAD_JOB, failure.code());
                assertTrue(failure.getMessage().startsWith("the job "));
            }
        }
    }

    @Test
    public void longValuesAreCutInMessages() {
        refuses("'nnapi'", "'" + repeat("x", 200) + "'", "…");
    }
}
