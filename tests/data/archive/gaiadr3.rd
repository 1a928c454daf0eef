<resource schema="gaiadr3" resdir="gaiadr3">
  <meta name="title">Bright stars of Gaia DR3</meta>
  <meta name="description">The Gaia DR3 sources brighter than G = 10 and their Hipparcos-2 counterparts, under the
    names that the ESA Gaia Archive gives them. For tests.</meta>
  <meta name="creationDate">2026-11-22T00:00:00Z</meta>
  <meta name="subject">stars</meta>
  <meta name="creator">ESA/Gaia/DPAC</meta>
  <meta name="rights">CC BY-SA 3.0 IGO, ESA/Gaia/DPAC</meta>
  <meta name="rights.rightsURI">https://creativecommons.org/licenses/by-sa/3.0/igo/</meta>

  <table id="gaia_source" onDisk="True" adql="True" mixin="//scs#q3cindex" primary="source_id">
    <column name="source_id" type="bigint" required="True" ucd="meta.id;meta.main"
      description="Unique source identifier"/>
    <column name="ra" type="double precision" required="True" unit="deg" ucd="pos.eq.ra;meta.main"
      description="Right ascension, ICRS, epoch 2016.0"/>
    <column name="dec" type="double precision" required="True" unit="deg" ucd="pos.eq.dec;meta.main"
      description="Declination, ICRS, epoch 2016.0"/>
    <column name="phot_g_mean_mag" type="real" unit="mag" ucd="phot.mag;em.opt"
      description="G-band mean magnitude"/>
    <column name="phot_bp_mean_mag" type="real" unit="mag" ucd="phot.mag;em.opt.B"
      description="Integrated BP mean magnitude"/>
    <column name="phot_rp_mean_mag" type="real" unit="mag" ucd="phot.mag;em.opt.R"
      description="Integrated RP mean magnitude"/>
  </table>

  <table id="hipparcos2_best_neighbour" onDisk="True" adql="True" primary="source_id">
    <index columns="original_ext_source_id"/>
    <column name="source_id" type="bigint" required="True" ucd="meta.id;meta.main"
      description="Unique Gaia source identifier"/>
    <column name="original_ext_source_id" type="integer" required="True" ucd="meta.id.cross"
      description="Hipparcos identifier"/>
    <column name="angular_distance" type="real" unit="arcsec" ucd="pos.angDistance"
      description="Angular distance between the two"/>
  </table>

  <data id="import">
    <nullGrammar/>
    <make table="gaia_source"/>
    <make table="hipparcos2_best_neighbour"/>
  </data>
</resource>
