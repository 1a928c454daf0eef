! Means of stars and a histogram of their parallaxes; f2py makes a Python function of it.
subroutine motions(stars, count, bins, low, high, means, histogram)
  implicit none
  integer, parameter :: dp = kind(1d0)
  integer, intent(in) :: count, bins
  real(8), intent(in) :: stars(count, 4) ! parallax, its error, pm_ra, pm_de
  real(8), intent(in) :: low, high ! of the histogram
  real(8), intent(out) :: means(4) ! parallax, pm_ra, pm_de, velocity
  integer, intent(out) :: histogram(bins)
  real(8), parameter :: km_s = 4.740470463533349_dp ! of one astronomical unit a year
  real(8) :: weights(count), step, value
  integer :: star, bin

  weights = 1 / stars(:, 2)**2
  means(1) = sum(weights * stars(:, 1)) / sum(weights)
  means(2) = sum(stars(:, 3)) / count
  means(3) = sum(stars(:, 4)) / count
  means(4) = sum(km_s * hypot(stars(:, 3), stars(:, 4)) / stars(:, 1)) / count

  ! A bin holds its lower edge and not its upper one; the last holds both, as numpy has it.
  histogram = 0
  step = (high - low) / bins
  do star = 1, count
    value = stars(star, 1)
    if (value < low .or. value > high) cycle
    bin = min(int((value - low) / step), bins - 1)
    do while (bin > 0)
      if (value >= low + bin * step) exit
      bin = bin - 1
    end do
    do while (bin < bins - 1)
      if (value < low + (bin + 1) * step) exit
      bin = bin + 1
    end do
    histogram(bin + 1) = histogram(bin + 1) + 1
  end do
end subroutine motions
