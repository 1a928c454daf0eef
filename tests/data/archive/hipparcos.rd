<resource schema="public" resdir="hipparcos">
  <meta name="title">Hipparcos, the new reduction</meta>
  <meta name="description">The astrometric catalogue of the new reduction of the Hipparcos data (van Leeuwen 2007), under
    the name that the ESA Gaia Archive gives it. For tests.</meta>
  <meta name="creationDate">2026-11-22T00:00:00Z</meta>
  <meta name="subject">stars</meta>
  <meta name="creator">van Leeuwen, F.</meta>

  <table id="hipparcos_newreduction" onDisk="True" adql="True" mixin="//scs#q3cindex" primary="hip">
    <column name="hip" type="integer" required="True" ucd="meta.id;meta.main" description="Hipparcos identifier"/>
    <column name="ra" type="double precision" required="True" unit="deg" ucd="pos.eq.ra;meta.main"
      description="Right ascension, ICRS, epoch 1991.25"/>
    <column name="dec" type="double precision" required="True" unit="deg" ucd="pos.eq.dec;meta.main"
      description="Declination, ICRS, epoch 1991.25"/>
    <column name="plx" type="double precision" unit="mas" ucd="pos.parallax.trig" description="Parallax"/>
    <column name="pm_ra" type="double precision" unit="mas/yr" ucd="pos.pm;pos.eq.ra"
      description="Proper motion in right ascension, with cos(dec)"/>
    <column name="pm_de" type="double precision" unit="mas/yr" ucd="pos.pm;pos.eq.dec"
      description="Proper motion in declination"/>
    <column name="e_plx" type="double precision" unit="mas" ucd="stat.error;pos.parallax.trig"
      description="Formal error of the parallax"/>
    <column name="hp_mag" type="double precision" unit="mag" ucd="phot.mag;em.opt" description="Hipparcos magnitude"/>
    <column name="b_v" type="double precision" unit="mag" ucd="phot.color;em.opt.B;em.opt.V" description="Colour index"/>
  </table>

  <data id="import">
    <nullGrammar/>
    <make table="hipparcos_newreduction"/>
  </data>
</resource>
