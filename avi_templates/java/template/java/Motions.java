import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/** Means of stars and a histogram of their parallaxes: rows of numbers in, one line a quantity out. */
public class Motions {
    /** km/s of one astronomical unit a year. */
    private static final double KM_S = 4.740470463533349;

    /** Arguments: bins, low and high of the histogram. Input: parallax, its error, pm_ra, pm_de. */
    public static void main(String[] arguments) throws IOException {
        List<double[]> stars = read();
        double weight = 0, parallax = 0, pmRa = 0, pmDe = 0, velocity = 0;
        for (double[] star : stars) {
            double one = 1 / (star[1] * star[1]);
            weight += one;
            parallax += one * star[0];
            pmRa += star[2];
            pmDe += star[3];
            velocity += KM_S * Math.hypot(star[2], star[3]) / star[0];
        }
        int count = stars.size();
        System.out.println("parallax " + parallax / weight);
        System.out.println("pm_ra " + pmRa / count);
        System.out.println("pm_de " + pmDe / count);
        System.out.println("velocity " + velocity / count);
        System.out.println("histogram " + histogram(stars, Integer.parseInt(arguments[0]),
                Double.parseDouble(arguments[1]), Double.parseDouble(arguments[2])));
    }

    private static List<double[]> read() throws IOException {
        List<double[]> stars = new ArrayList<>();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.trim().split(" ");
            double[] star = new double[words.length];
            for (int place = 0; place < words.length; place++) {
                star[place] = Double.parseDouble(words[place]);
            }
            stars.add(star);
        }
        return stars;
    }

    /** A bin holds its lower edge and not its upper one; the last holds both, as numpy has it. */
    private static String histogram(List<double[]> stars, int bins, double low, double high) {
        int[] counts = new int[bins];
        double step = (high - low) / bins;
        for (double[] star : stars) {
            double value = star[0];
            if (value < low || value > high) {
                continue;
            }
            int bin = Math.min((int) ((value - low) / step), bins - 1);
            while (bin > 0 && value < low + bin * step) {
                bin--;
            }
            while (bin < bins - 1 && value >= low + (bin + 1) * step) {
                bin++;
            }
            counts[bin]++;
        }
        StringJoiner joined = new StringJoiner(" ");
        for (int count : counts) {
            joined.add(Integer.toString(count));
        }
        return joined.toString();
    }
}
